// SPDX-License-Identifier: Apache-2.0
/** Stages and losses beyond those of quantized-base.test.ts, on a base in nf4: they run, and resume to the same bits. */
import { join } from 'node:path';
import algoGrpo from '@llmf/algo-grpo';
import algoPpo from '@llmf/algo-ppo';
import algoReward from '@llmf/algo-reward';
import type { Plugin } from '@llmf/core';
import lossKto from '@llmf/loss-kto';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstRunCopy, metricsOf } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';
import { pleasure } from './support/online.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const online = { rewards: 'rule', data: { train: [{ path: 'data/sft.json' }], maxSamples: 48, maxLength: 96 } };
const pairs = { data: { train: [{ path: 'data/train.json' }], maxSamples: 48, maxLength: 96 } };

const stages: readonly (readonly [string, readonly Plugin[], Readonly<Record<string, unknown>>])[] = [
  ['ppo', [algoPpo(), pleasure], { stage: { name: 'ppo', maxNewTokens: 8, shownSamples: 0 }, ...online }],
  [
    'grpo',
    [algoGrpo(), pleasure],
    { stage: { name: 'grpo', maxNewTokens: 8, answers: 4, shownSamples: 0 }, ...online },
  ],
  ['reward', [algoReward()], { stage: 'reward', ...pairs }],
  ['kto', [lossKto()], { loss: 'kto', ...pairs }],
];

describe.each(stages)('%s on a base in nf4', (name, plugins, given) => {
  const run = async (output: string, steps: number, resume = false) => {
    const config = {
      model: { path: 'model' },
      quantization: 'nf4',
      adapter: { name: 'lora', rank: 4, targets: 'all' },
      backend: { name: 'cpu', precision: 'f32' },
      train: {
        batchSize: 8,
        gradientAccumulation: 1,
        maxSteps: steps,
        schedule: 'constant',
        learningRate: 1e-3,
        logEvery: 1,
        saveEvery: 1,
        seed: 3,
      },
      plugins: [...plugins],
      output: `${name}-${output}`,
      ...given,
    };
    const logger = { info: () => {}, warn: () => {} };
    await train(config as never, { folder: copy.folder, logger, ...(resume ? { resume: true } : {}) } as never);
  };
  const folderOf = (output: string) => join(copy.folder, `${name}-${output}`);

  it('trains an adapter, and goes on to the same bits', async () => {
    await run('whole', 4);
    const rows = (await metricsOf(folderOf('whole'))).filter((row) => 'loss' in row);
    expect(rows).toHaveLength(4);
    for (const row of rows) {
      expect(row['loss']).toSatisfy(Number.isFinite);
      if ('sampling/logp_difference_max' in row) expect(row['sampling/logp_difference_max']).toBeLessThan(1e-5);
    }
    await run('cut', 2);
    await run('cut', 4, true);
    const [one, other] = ['whole', 'cut'].map((output) => sha256(join(folderOf(output), 'adapter_model.safetensors')));
    expect(await one).toBe(await other);
  });
});
