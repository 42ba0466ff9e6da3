// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import lossDpo from '@llmf/loss-dpo';
import { tf } from '@llmf/nn';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstRunCopy } from './first-run.js';

interface Sample {
  readonly tensors: number;
  readonly heapBytes: number;
}

/** A plugin that looks at memory after every step, once the step's metrics have been read. */
function memoryWatch(samples: Sample[]): Plugin {
  return {
    name: 'memory-watch',
    apiVersion,
    apply: (engine) =>
      engine.hooks.run.tap('memory-watch', (run) => {
        run.hooks.log.tap('memory-watch', () => {
          samples.push({ tensors: tf.memory().numTensors, heapBytes: tf.memory().numBytes });
        });
      }),
  };
}

/** A run holds the same tensors from its second step to its last, and leaves none. */
export function describeLiveTensors(stepsOf: { readonly full: number; readonly lora: number }): void {
  describe.each([
    [stepsOf.full, 'full', 'every weight, cached reference', { name: 'none' }],
    [stepsOf.lora, 'lora', 'LoRA with dropout, adapter off as the reference', { name: 'lora', rank: 4, dropout: 0.1 }],
  ] as const)('the live tensors of a run of %i steps, %s: %s', (steps, output, _title, adapter) => {
    let copy: Awaited<ReturnType<typeof firstRunCopy>>;
    beforeAll(async () => {
      copy = await firstRunCopy();
    });
    afterAll(async () => {
      await copy.remove();
    });

    it('stay the same number and size, and none is left after it', { timeout: 60_000 + 150 * steps }, async () => {
      const before = tf.memory().numTensors;
      const samples: Sample[] = [];
      await train(
        {
          model: { path: 'model' },
          loss: { name: 'dpo', beta: 0.1 },
          adapter,
          data: { train: [{ path: 'data/train.json' }], maxSamples: 200, maxLength: 128 },
          train: { batchSize: 2, gradientAccumulation: 2, maxSteps: steps, learningRate: 1e-3, logEvery: 1 },
          plugins: [lossDpo(), memoryWatch(samples)],
          output,
        },
        { folder: copy.folder },
      );
      expect(samples).toHaveLength(steps);
      // The row of a step is logged after the next one is queued; the last is logged with none behind it.
      const middle = samples.slice(1, -1);
      expect(new Set(middle.map(({ tensors }) => tensors)).size).toBe(1);
      // Metrics of the queued step are the only thing of varying size.
      const bytes = middle.map(({ heapBytes }) => heapBytes);
      expect(Math.max(...bytes) - Math.min(...bytes)).toBeLessThan(1024);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
