// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from 'vitest';
import '@tensorflow/tfjs-backend-wasm';
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { valueAndGradients } from '../autograd/index.js';
import { embedding, linear } from '../ops/index.js';
import { tf } from '../tf.js';
import { allowPackedExpansion } from './expansion.js';
import { bf16 } from './element-formats.js';
import { frozenTensor } from './frozen-tensor.js';
import { packedOf } from './packed.js';

/** 1, −2, 0.5, 3.140625 (π in bfloat16). */
const words = Uint16Array.of(0x3f80, 0xc000, 0x3f00, 0x4049);
const values = [1, -2, 0.5, 3.140625];
const bytes = new Uint8Array(words.buffer);

afterEach(() => allowPackedExpansion(false));

describe('a frozen bf16 tensor', () => {
  it('keeps its words, without a copy, and reads as float32', async () => {
    await tf.setBackend('cpu');
    const weight = frozenTensor([2, 2], bf16, bytes) as Tensor2D;
    expect(packedOf(weight)?.parts['values']!.buffer).toBe(words.buffer);
    expect(weight.dtype).toBe('float32');
    expect([...weight.dataSync()]).toEqual(values);
    weight.dispose();
  });

  it('works in any kernel that does not know it', async () => {
    await tf.setBackend('cpu');
    const weight = frozenTensor([2, 2], bf16, bytes) as Tensor2D;
    const product = tf.tidy(() => tf.matMul(tf.tensor2d([[1, 1]]), weight).dataSync());
    expect([...product]).toEqual([1.5, 1.140625]); // column sums
    weight.dispose();
  });

  it('outlives tidy and frees its entry when disposed', async () => {
    await tf.setBackend('cpu');
    const before = tf.engine().backend.numDataIds();
    const weight = tf.tidy(() => frozenTensor([2, 2], bf16, bytes));
    expect(weight.isDisposed).toBe(false);
    expect(tf.engine().backend.numDataIds()).toBe(before + 1);
    weight.dispose();
    expect(tf.engine().backend.numDataIds()).toBe(before);
  });

  it('keeps its words through clone and reshape', async () => {
    await tf.setBackend('cpu');
    const weight = frozenTensor([2, 2], bf16, bytes);
    tf.tidy(() => {
      expect(packedOf(tf.reshape(tf.clone(weight), [4]))?.parts['values']).toEqual(words);
    });
    weight.dispose();
  });

  it('stays packed beside a backend that cannot hold it, and is expanded for one call of an op', async () => {
    await tf.setBackend('wasm');
    const weight = frozenTensor([2, 2], bf16, bytes) as Tensor2D;
    const before = tf.engine().backend.numDataIds();
    const y = linear(tf.tensor2d([[1, 1]]), weight);
    expect([...y.dataSync()]).toEqual([-1, 3.640625]); // row sums
    expect([...embedding(Int32Array.of(1, 0), weight).dataSync()]).toEqual([0.5, 3.140625, 1, -2]);
    expect(packedOf(weight)?.parts['values']!.buffer).toBe(words.buffer);
    expect(tf.engine().backend.numDataIds()).toBeLessThan(before + 6); // results and inputs, no weight
    expect([...weight.dataSync()]).toEqual(values);
    weight.dispose();
  });

  it('moves to another backend as float32', async () => {
    await tf.setBackend('cpu');
    const weight = frozenTensor([2, 2], bf16, bytes) as Tensor2D;
    await tf.setBackend('wasm');
    expect([...tf.tidy(() => tf.matMul(tf.tensor2d([[1, 1]]), weight).dataSync())]).toEqual([1.5, 1.140625]);
    weight.dispose();
  });

  it('takes bytes at an odd offset', () => {
    const shifted = new Uint8Array(9);
    shifted.set(bytes, 1);
    const weight = frozenTensor([4], bf16, shifted.subarray(1));
    expect([...weight.dataSync()]).toEqual(values);
    weight.dispose();
  });

  it('refuses another number of bytes', () => {
    expect(() => frozenTensor([3], bf16, bytes)).toThrow(
      /LLMF_NN_SHAPE: frozenTensor: bytes has the wrong shape\n {2}got: \[8\]\n {2}expected: 6 bytes for \[3\] in bf16/,
    );
  });
});

describe('a training pass', () => {
  const pass = (weight: Tensor2D) => {
    const x = tf.variable(tf.ones([1, 2])) as ReturnType<typeof tf.variable<tf.Rank.R2>>;
    const forward = () => ({ loss: tf.sum(tf.matMul(x, weight)) as Scalar });
    const gradients: number[][] = [];
    try {
      valueAndGradients(forward, [x], (_, gradient) => {
        gradients.push([...gradient.dataSync()]);
        gradient.dispose();
      }).loss.dispose();
    } finally {
      x.dispose();
    }
    return gradients;
  };

  it('refuses to expand a packed weight and names the kernel', async () => {
    await tf.setBackend('cpu');
    const weight = frozenTensor([2, 2], bf16, bytes) as Tensor2D;
    expect(() => pass(weight)).toThrow(/LLMF_NN_PACKED_EXPANDED: BatchMatMul read a packed bf16 weight as float32/);
    expect([...weight.dataSync()]).toEqual(values); // allowed again after the pass
    weight.dispose();
  });

  it('expands it when allowed', async () => {
    await tf.setBackend('cpu');
    allowPackedExpansion(true);
    const weight = frozenTensor([2, 2], bf16, bytes) as Tensor2D;
    expect(pass(weight)).toEqual([[-1, 3.640625]]); // row sums
    weight.dispose();
  });
});
