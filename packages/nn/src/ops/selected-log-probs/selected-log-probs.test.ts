// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import { normals } from '@llmf/core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { grads } from '../../autograd/grads.js';
import { tf } from '../../tf.js';
import { selectedLogProbs } from './selected-log-probs.js';

const draw = (site: string, shape: [number, number], scale = 1) =>
  tf.tensor2d(
    normals({ seed: 4, stream: 'scores', step: 0, microbatch: 0 }, site, shape[0] * shape[1]).map((x) => x * scale),
    shape,
  );

describe.each(['cpu', 'wasm'])('selected log-probs on %s', (backend) => {
  it('of a uniform distribution over V tokens are −ln V, its entropy ln V, its log Σp² −ln V', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const scored = selectedLogProbs(tf.zeros([1, 3]), draw('head', [8, 3]), Int32Array.of(0), Int32Array.of(5), {
        entropy: true,
        squared: true,
      });
      expect(scored.logProb.dataSync()[0]).toBeCloseTo(-Math.log(8), 6);
      expect(scored.entropy!.dataSync()[0]).toBeCloseTo(Math.log(8), 6);
      expect(scored.logSumSquaredProbabilities!.dataSync()[0]).toBeCloseTo(-Math.log(8), 6);
    });
  });

  it('are never above 0, and 0 where one token takes all', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const head = tf.tensor2d([[100], [0], [-100]]);
      const { logProb, entropy } = selectedLogProbs(
        tf.tensor2d([[1]]),
        head,
        Int32Array.of(0, 0),
        Int32Array.of(0, 2),
        {
          entropy: true,
        },
      );
      expect([...logProb.dataSync()]).toEqual([0, -200]);
      expect(entropy!.dataSync()[0]).toBeCloseTo(0, 6);
    });
  });

  it('do not change a bit when other rows are scored with them', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const [hidden, head] = [draw('hidden', [40, 16]), draw('head', [50, 16])];
      const [rows, targets] = [
        Int32Array.from({ length: 40 }, (_, i) => i),
        Int32Array.from({ length: 40 }, (_, i) => i),
      ];
      const all = selectedLogProbs(hidden, head, rows, targets).logProb.dataSync();
      const one = selectedLogProbs(hidden, head, Int32Array.of(17), Int32Array.of(17)).logProb.dataSync();
      expect(one[0]).toBe(all[17]);
    });
  });
});

describe('logits', () => {
  // 65536 tokens × 4 bytes: 128 rows fill a chunk of 32 MiB, so 132 rows make two.
  const [rows, vocabulary, width] = [132, 65_536, 2];

  it('never exist for more rows than a chunk, forwards or backwards, and chunks change nothing', async () => {
    await tf.setBackend('wasm');
    const [hidden, head] = [draw('hidden', [rows, width]), draw('head', [vocabulary, width])];
    const picked = Int32Array.from({ length: rows }, (_, i) => i);
    const targets = picked.map((i) => (i * 331) % vocabulary);
    const sizes: number[] = [];
    const { runKernel } = tf.engine();
    tf.engine().runKernel = function <T extends Tensor | Tensor[]>(...call: Parameters<typeof runKernel>): T {
      const result = runKernel.apply(tf.engine(), call) as T;
      for (const { size } of [result].flat() as Tensor[]) sizes.push(size);
      return result;
    };
    const score = (h: Tensor2D, from: number, to: number) =>
      selectedLogProbs(h, head, picked.slice(from, to), targets.slice(from, to)).logProb;
    const { value, gradients } = grads((h: Tensor2D) => score(h, 0, rows))([hidden]);
    tf.engine().runKernel = runKernel;
    expect(Math.max(...sizes)).toBe(128 * vocabulary);
    const parts = tf.tidy(() => [...score(hidden, 0, 90).dataSync(), ...score(hidden, 90, rows).dataSync()]);
    expect([...value.dataSync()]).toEqual(parts);
    // dh = W_target − Σ p W for the first row of the second chunk, in double precision.
    const [h, w] = [hidden.arraySync()[130]!, head.arraySync()];
    const weights = w.map((row) => Math.exp(row[0]! * h[0]! + row[1]! * h[1]!));
    const total = weights.reduce((sum, x) => sum + x, 0);
    const mean = [0, 1].map((c) => w.reduce((sum, row, v) => sum + (weights[v]! / total) * row[c]!, 0));
    const got = (gradients[0] as Tensor2D).arraySync()[130]!;
    for (const c of [0, 1]) expect(Math.abs(got[c]! - (w[targets[130]!]![c]! - mean[c]!))).toBeLessThan(1e-4);
    tf.dispose([hidden, head, value, ...gradients]);
  });
});
