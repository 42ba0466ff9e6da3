// SPDX-License-Identifier: Apache-2.0
import '@tensorflow/tfjs-backend-wasm';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { tf } from '../tf.js';
import { batchProduct, timesTransposed, transposedTimes } from './products.js';

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

describe.each(['cpu', 'wasm'])('products on %s', (backend) => {
  const near = (got: Float32Array, expected: Float32Array) => {
    expect(got.length).toBe(expected.length);
    expect(Math.max(...expected.map((want, i) => Math.abs(got[i]! - want)))).toBeLessThan(1e-4);
  };

  // Few rows against a large weight, and many against a small one: either factor is the one transposed.
  it.each([
    [2, 40, 50],
    [90, 40, 50],
  ])('equal the plain product with factors transposed: %i × %i × %i', async (m, k, n) => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const [a, b, c] = [normal([m, k], 1) as Tensor2D, normal([n, k], 2) as Tensor2D, normal([m, n], 3) as Tensor2D];
      near(timesTransposed(a, b).dataSync() as Float32Array, tf.matMul(a, tf.transpose(b)).dataSync() as Float32Array);
      near(transposedTimes(a, c).dataSync() as Float32Array, tf.matMul(tf.transpose(a), c).dataSync() as Float32Array);
    });
  });

  it('of a row do not depend on how many rows there are, bit by bit', async () => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const [a, b] = [normal([90, 40], 1) as Tensor2D, normal([50, 40], 2) as Tensor2D];
      const all = timesTransposed(a, b).dataSync();
      for (const rows of [1, 2, 7, 89]) {
        expect(timesTransposed(tf.slice(a, 0, rows), b).dataSync()).toEqual(all.slice(0, rows * 50));
      }
    });
  });

  it.each([
    [5, 6, 7],
    [70, 40, 60], // beyond what is worth splitting
  ])('of batches equal one matMul: %i × %i × %i', async (m, k, n) => {
    await tf.setBackend(backend);
    tf.tidy(() => {
      const [a, b] = [normal([3, m, k], 1) as Tensor3D, normal([3, k, n], 2) as Tensor3D];
      const [at, bt] = [tf.transpose(a, [0, 2, 1]), tf.transpose(b, [0, 2, 1])];
      const expected = tf.matMul(a, b).dataSync() as Float32Array;
      near(batchProduct(a, b).dataSync() as Float32Array, expected);
      near(batchProduct(at, b, 'a').dataSync() as Float32Array, expected);
      near(batchProduct(a, bt, 'b').dataSync() as Float32Array, expected);
    });
  });
});
