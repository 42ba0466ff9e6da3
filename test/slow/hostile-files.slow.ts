// SPDX-License-Identifier: Apache-2.0
// LLMF_HOSTILE: files of each kind (default 50); LLMF_FUZZ_SEED: the first one's.
import { expect, it } from 'vitest';
import { hostileFiles } from '../support/hostile.js';

const count = Number(process.env['LLMF_HOSTILE'] ?? 50);
const seed = Number(process.env['LLMF_FUZZ_SEED'] ?? 1000);

it(`${10 * count} hostile files are read or refused by the command, within bounds`, async () => {
  const { faults, files, refused, largestBytes } = await hostileFiles(count, seed);
  console.log(`${files} files, ${refused} refused, at most ${Math.round(largestBytes / 2 ** 20)} MiB`);
  expect(faults).toEqual([]);
  expect(files).toBe(10 * count);
}, 7_200_000);
