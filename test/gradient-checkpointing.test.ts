// SPDX-License-Identifier: Apache-2.0
/** Blocks that are computed again give what kept ones give, to the bit: so a machine may choose by its memory. */
import { join } from 'node:path';
import { cpuBackend } from '@llmf/backend-cpu';
import { train } from 'llmf';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { firstRunCopy } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

it('gradient checkpointing changes no bit of what is learned', async (test) => {
  const reason = await cpuBackend.unavailable();
  if (reason !== null) test.skip(reason);
  const adapters: string[] = [];
  for (const gradientCheckpointing of [true, false]) {
    const output = `checkpointing-${gradientCheckpointing}`;
    const config = {
      model: { path: 'model' },
      stage: 'sft',
      adapter: { name: 'lora', rank: 4, targets: 'all', dropout: 0.1 },
      backend: { name: 'cpu' },
      data: { train: [{ path: 'data/sft.json' }], maxSamples: 24, maxLength: 96 },
      train: { batchSize: 8, gradientAccumulation: 1, maxSteps: 2, learningRate: 1e-2, seed: 3, gradientCheckpointing },
      output,
    };
    const logger = { info: () => {}, warn: () => {} };
    await train(config as never, { folder: copy.folder, logger } as never);
    adapters.push(await sha256(join(copy.folder, output, 'adapter_model.safetensors')));
  }
  expect(adapters[0]).toBe(adapters[1]);
});
