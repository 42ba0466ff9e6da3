// SPDX-License-Identifier: Apache-2.0
// LLMF_FUZZ: mutated files of each kind (default 600); LLMF_FUZZ_SEED: the first one's.
import { expect, it } from 'vitest';
import { fuzz } from '../support/fuzz.js';

const count = Number(process.env['LLMF_FUZZ'] ?? 600);
const seed = Number(process.env['LLMF_FUZZ_SEED'] ?? 1000);

it(`${31 * count} mutated files are read or refused with a code`, async () => {
  const { files, faults } = await fuzz(count, seed);
  expect(faults).toEqual([]);
  expect(files).toBe(31 * count);
}, 3_600_000);
