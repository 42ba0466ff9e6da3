// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { fuzz } from './support/fuzz.js';

it('930 mutated files, 30 of each kind, are read or refused with a code', async () => {
  const { files, refused, faults } = await fuzz(30);
  expect(faults).toEqual([]);
  expect(files).toBe(930);
  expect(refused).toBeGreaterThan(280);
});
