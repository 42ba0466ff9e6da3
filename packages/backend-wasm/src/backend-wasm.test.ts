// SPDX-License-Identifier: Apache-2.0
import { BackendToken, createEngine } from '@llmf/core';
import { embedding, rmsNorm, selectedLogProbs, tf } from '@llmf/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import backendWasm, { wasmBackend } from './index.js';
import { withoutNewProcessListeners } from './process-listeners.js';

describe('the plugin', () => {
  it('provides backend wasm, ahead of plain JavaScript and behind a native one', () => {
    const engine = createEngine();
    engine.use(backendWasm());
    expect(engine.find(BackendToken, 'wasm')).toBe(wasmBackend);
    expect(wasmBackend.priority).toBe(20);
  });
});

describe('backend wasm', () => {
  let started: Awaited<ReturnType<typeof wasmBackend.start>>;
  const listeners = () => process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
  let listenersBefore: number;

  beforeAll(async () => {
    listenersBefore = listeners();
    expect(await wasmBackend.unavailable()).toBeNull();
    started = await wasmBackend.start({});
  });

  it('becomes the current backend', () => {
    expect(tf.getBackend()).toBe('wasm');
    expect(started.tfName).toBe('wasm');
    expect(started.precisions).toEqual(['f32']);
    expect(started.numerics).toMatch(/^tfjs-wasm-4\.22\.0-(simd|scalar)$/);
  });

  it('leaves no listener on the process that would throw stray errors again', () => {
    expect(listeners()).toBe(listenersBefore);
  });

  it('can be started twice', async () => {
    expect(await wasmBackend.start({})).toEqual(started);
  });

  it('computes a product and its gradient', async () => {
    const x = tf.tensor2d([[1, 2]]);
    const w = tf.tensor2d([[3], [4]]);
    const product = tf.matMul(x, w);
    expect(await product.array()).toEqual([[11]]);
    const [dx, dw] = tf.grads((a, b) => tf.sum(tf.matMul(a as typeof x, b as typeof w)))([x, w]);
    expect(await dx!.array()).toEqual([[3, 4]]); // wᵀ
    expect(await dw!.array()).toEqual([[1], [2]]); // xᵀ
    tf.dispose([x, w, product, dx!, dw!]);
  });

  it('computes a small language model and its gradients as plain JavaScript does', async () => {
    const ours = await logProbsAndGradients();
    await tf.setBackend('cpu');
    const expected = await logProbsAndGradients();
    await tf.setBackend('wasm');
    expect(ours.flat().some((value) => Math.abs(value) > 0.1)).toBe(true);
    // f32 sums of fewer than 10 terms below 10 in another order
    ours.forEach((values, index) =>
      values.forEach((value, at) => expect(Math.abs(value - expected[index]![at]!)).toBeLessThan(1e-5)),
    );
  });
});

/** Log-probs of three tokens after three others, and their sum's gradients for table and norm, on the current backend. */
async function logProbsAndGradients(): Promise<number[][]> {
  const table = tf.tensor2d(
    Array.from({ length: 20 }, (_, index) => Math.sin(index)),
    [5, 4],
  ); // [V, C]
  const norm = tf.tensor1d([1, 2, -1, 0.5]); // [C]
  const forward = (t: typeof table, n: typeof norm) => {
    const hidden = rmsNorm(embedding(Int32Array.of(3, 0, 3), t), n, 1e-6); // [T, C]
    return selectedLogProbs(hidden, t, Int32Array.of(0, 1, 2), Int32Array.of(1, 4, 2)).logProb;
  };
  const logProb = forward(table, norm);
  const gradients = tf.grads((t, n) => tf.sum(forward(t as typeof table, n as typeof norm)))([table, norm]);
  return Promise.all([logProb, ...gradients].map(async (tensor) => [...(await tensor.data())]));
}

describe('withoutNewProcessListeners', () => {
  it('keeps listeners that were there and removes those the work added, also when it fails', async () => {
    const kept = () => {};
    process.on('unhandledRejection', kept);
    const work = async () => {
      process.on('unhandledRejection', () => {});
      throw new Error('no');
    };
    await expect(withoutNewProcessListeners(work)).rejects.toThrow('no');
    expect(process.rawListeners('unhandledRejection')).toContain(kept);
    process.removeListener('unhandledRejection', kept);
  });
});
