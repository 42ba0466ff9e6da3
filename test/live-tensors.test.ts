// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import lossDpo from '@llmf/loss-dpo';
import { tf } from '@llmf/nn';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstRunCopy } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(async () => {
  await copy.remove();
});

/** A plugin that counts live tensors after every step, once the step's metrics have been read. */
function tensorCounter(counts: number[]): Plugin {
  return {
    name: 'tensor-counter',
    apiVersion,
    apply: (engine) =>
      engine.hooks.run.tap('tensor-counter', (run) => {
        run.hooks.log.tap('tensor-counter', () => void counts.push(tf.memory().numTensors));
      }),
  };
}

describe.each([
  ['every weight, cached reference', { name: 'none' }],
  ['LoRA with dropout, adapter off as the reference', { name: 'lora', rank: 4, dropout: 0.1 }],
] as const)('the live tensors of a run: %s', (title, adapter) => {
  it('stay the same number from step 2 to the last, and none is left after it', async () => {
    const before = tf.memory().numTensors;
    const counts: number[] = [];
    await train(
      {
        model: { path: 'model' },
        loss: { name: 'dpo', beta: 0.1 },
        adapter,
        data: { train: [{ path: 'data/train.json' }], maxSamples: 200, maxLength: 128 },
        train: { batchSize: 2, gradientAccumulation: 2, maxSteps: 40, learningRate: 1e-3, logEvery: 1 },
        plugins: [lossDpo(), tensorCounter(counts)],
        output: `runs/${title.length}`,
      },
      { folder: copy.folder },
    );
    expect(counts).toHaveLength(40);
    // The row of a step is logged after the next one is queued; the last is logged with none behind it.
    const middle = counts.slice(1, -1);
    expect(new Set(middle).size, `counts: ${counts.join(' ')}`).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
  });
});
