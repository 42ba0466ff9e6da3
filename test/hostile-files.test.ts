// SPDX-License-Identifier: Apache-2.0
// Fifty of each kind: slow/hostile-files.slow.ts
import { expect, it } from 'vitest';
import { hostileFiles } from './support/hostile.js';

it('a hostile file of each kind is read or refused by the command, within bounds', async () => {
  const { faults, files } = await hostileFiles(1, 7);
  expect(faults).toEqual([]);
  expect(files).toBe(10);
}, 240_000);
