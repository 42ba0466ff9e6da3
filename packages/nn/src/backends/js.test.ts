// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { tf } from '../tf.js';
import { jsBackend } from './js.js';

describe('the js backend', () => {
  it('starts anywhere and becomes the current backend', async () => {
    expect(await jsBackend.unavailable()).toBeNull();
    const started = await jsBackend.start({});
    expect(started.tfName).toBe('cpu');
    expect(tf.getBackend()).toBe('cpu');
    expect(started.precisions).toEqual(['f32']);
  });

  it('computes a product and its gradient', async () => {
    await jsBackend.start({});
    const x = tf.tensor2d([[1, 2]]);
    const w = tf.tensor2d([[3], [4]]);
    const product = tf.matMul(x, w);
    expect(await product.array()).toEqual([[11]]);
    const [dx] = tf.grads((a, b) => tf.sum(tf.matMul(a as typeof x, b as typeof w)))([x, w]);
    expect(await dx!.array()).toEqual([[3, 4]]); // d(xw)/dx = wᵀ
    tf.dispose([x, w, product, dx!]);
  });
});
