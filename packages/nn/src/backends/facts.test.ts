// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PackedWeight } from '../contracts/weight-format.js';
import { linear } from '../ops/linear/linear.js';
import { tf } from '../tf.js';
import { bf16, frozenWeight, isReadNatively, packedOf } from '../weights/index.js';
import { isInHostMemory, isPlainJs } from '../ops/host-memory.js';
import { declareBackend } from './facts.js';

describe('what a backend declares of itself', () => {
  beforeEach(() => tf.setBackend('cpu'));
  afterEach(() => declareBackend('cpu', { memory: 'host' }));

  it('decides whether ops read values: left out, where they are JS arrays', () => {
    declareBackend('cpu', {});
    expect([isInHostMemory(), isPlainJs()]).toEqual([true, true]);
    declareBackend('cpu', { memory: 'device' });
    expect([isInHostMemory(), isPlainJs()]).toEqual([false, false]);
  });

  it('a weight of one of its formats is uploaded once, and kernels get what was uploaded', () => {
    const weight = { format: bf16, shape: [2, 3], parts: bf16.pack(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3], {}) };
    const upload = vi.fn(({ shape }: PackedWeight) =>
      tf.backend().write(Float32Array.of(10, 20, 30, 40, 50, 60), [...shape], 'float32'),
    );
    declareBackend('cpu', { memory: 'device', formats: new Set(['bf16']), upload });
    const before = tf.memory().numTensors;
    const tensor = frozenWeight(weight) as tf.Tensor2D;
    expect([packedOf(tensor), isReadNatively(weight)]).toEqual([weight, true]);
    const x = tf.tensor2d([[1, 0, 0]]);
    const products = [linear(x, tensor), linear(x, tensor)];
    for (const product of products) expect([...product.dataSync()]).toEqual([10, 40]);
    expect(upload).toHaveBeenCalledTimes(1);
    tf.dispose([x, tensor, ...products]);
    expect(tf.memory().numTensors).toBe(before);
  });
});
