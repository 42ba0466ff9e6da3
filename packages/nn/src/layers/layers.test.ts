// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { ActiveAdapter, ForwardContext } from '../contracts/index.js';
import { tf } from '../tf.js';
import { Embedding, LayerNorm, Linear, RmsNorm } from './index.js';

const weight = tf.tensor2d([
  [1, 2],
  [3, 4],
  [5, 6],
]);
const bias = tf.tensor1d([10, 20, 30]);
const [twos, ones] = [tf.tensor1d([2, 2]), tf.tensor1d([1, 1])];
const context = (adapter: ActiveAdapter | null, training = false): ForwardContext =>
  ({ adapter, training, randomKey: { seed: 1, stream: 'dropout', step: 1, microbatch: 0 } }) as ForwardContext;
const x = tf.tensor2d([[1, 1]]);
const run = (work: () => Tensor) => [...tf.tidy(() => work().dataSync())];

describe('Linear', () => {
  const layer = new Linear('l', weight, bias);

  it('has the sizes of its weight', () => {
    expect([layer.inputs, layer.outputs]).toEqual([2, 3]);
  });
  it('computes x Wᵀ + b', () => expect(run(() => layer.forward(x, context(null)))).toEqual([13, 27, 41]));

  it("adds the adapter's low-rank path of its own layer", () => {
    const pair = {
      a: tf.variable(tf.tensor2d([[1, 0]])),
      b: tf.variable(tf.tensor2d([[1], [0], [0]])),
      scale: 0.5,
      dropout: 0,
    };
    const adapter: ActiveAdapter = { lowRank: (path) => (path === 'l' ? (pair as never) : null) };
    expect(run(() => layer.forward(x, context(adapter)))).toEqual([13.5, 27, 41]);
    expect(run(() => new Linear('m', weight).forward(x, context(adapter)))).toEqual([3, 7, 11]);
  });

  it('drops out while training only', () => {
    const pair = { a: tf.variable(tf.ones([1, 2])), b: tf.variable(tf.ones([3, 1])), scale: 1, dropout: 0.999 };
    const adapter: ActiveAdapter = { lowRank: () => pair as never };
    expect(run(() => layer.forward(x, context(adapter)))).toEqual([15, 29, 43]);
    expect(run(() => layer.forward(x, context(adapter, true)))).toEqual([13, 27, 41]);
  });

  it('lets an adapter of another form transform its output', () => {
    const adapter: ActiveAdapter = {
      lowRank: () => null,
      transform: ({ path }, input, y) => (path === 'l' ? (tf.add(y, tf.sum(input)) as Tensor2D) : y),
    };
    expect(run(() => layer.forward(x, context(adapter)))).toEqual([15, 29, 43]);
  });
});

describe('the other layers', () => {
  it('Embedding gives rows of its table', () => {
    const layer = new Embedding(weight);
    expect([layer.count, layer.size]).toEqual([3, 2]);
    expect(run(() => layer.forward(Int32Array.of(2, 0)))).toEqual([5, 6, 1, 2]);
  });
  it('RmsNorm divides by the root of the mean square: [3, 4] has √12.5', () => {
    const y = run(() => new RmsNorm(twos, 0).forward(tf.tensor1d([3, 4])));
    expect(y[0]).toBeCloseTo(6 / Math.sqrt(12.5), 6);
    expect(y[1]).toBeCloseTo(8 / Math.sqrt(12.5), 6);
  });
  it('LayerNorm centres and divides by the deviation: [3, 5] becomes [−1, 1]', () => {
    const y = run(() => new LayerNorm(twos, ones, 0).forward(tf.tensor1d([3, 5])));
    expect(y[0]).toBeCloseTo(-1, 6);
    expect(y[1]).toBeCloseTo(3, 6);
  });
});
