// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { fuzz } from '../support/fuzz.js';

it('10,010 mutated files are read or refused with a code', async () => {
  const { files, faults } = await fuzz(910, 1000);
  expect(faults).toEqual([]);
  expect(files).toBe(10_010);
}, 900_000);
