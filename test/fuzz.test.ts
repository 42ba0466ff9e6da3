// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { fuzz } from './support/fuzz.js';

it('850 mutated files, 50 of each kind, are read or refused with a code', async () => {
  const { files, refused, faults } = await fuzz(50);
  expect(faults).toEqual([]);
  expect(files).toBe(850);
  expect(refused).toBeGreaterThan(250);
});
