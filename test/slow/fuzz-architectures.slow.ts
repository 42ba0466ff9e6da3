// SPDX-License-Identifier: Apache-2.0
// LLMF_FUZZ: mutated files of all kinds together (default 2000); LLMF_FUZZ_SEED: the first one's.
import { expect, it } from 'vitest';
import { fuzz } from '../support/fuzz.js';
import { architectureTargets } from '../support/fuzz-architectures.js';

const wanted = Number(process.env['LLMF_FUZZ'] ?? 2000);
const seed = Number(process.env['LLMF_FUZZ_SEED'] ?? 1000);

it(`${wanted} folders of all architectures with mutated configs and weights are read or refused with a code, in little memory`, async () => {
  const { files, refused, faults, mostMemory } = await fuzz(
    Math.ceil(wanted / architectureTargets.length),
    seed,
    architectureTargets,
  );
  console.log(
    `${files} files, ${refused} refused; at most ${(mostMemory / 2 ** 20).toFixed(1)} MiB above twice a folder`,
  );
  expect(faults).toEqual([]);
  expect(files).toBeGreaterThanOrEqual(wanted);
}, 3_600_000);
