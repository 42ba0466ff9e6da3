// SPDX-License-Identifier: Apache-2.0
import { bf16, frozenTensor, grads, linear, tf } from '@llmf/nn';
import { describe, expect, it } from 'vitest';
import { addonUnavailable, loadAddon } from './addon/load.js';
import type { NativeBackend } from './backend/native-backend.js';
import { cpuBackend } from './provider.js';

const reason = addonUnavailable();

it('says in one line why it cannot start without a compiler', async () => {
  const { PATH, CXX } = process.env;
  try {
    process.env['PATH'] = '/nonexistent';
    delete process.env['CXX'];
    const line = await cpuBackend.unavailable();
    // It is built already on most machines where this runs; then it needs no compiler.
    expect(line === null || /^[^\n]*no C\+\+ compiler was found[^\n]*$/.test(line)).toBe(true);
  } finally {
    process.env['PATH'] = PATH;
    if (CXX !== undefined) process.env['CXX'] = CXX;
  }
});

describe.skipIf(reason !== null)(`the backend${reason === null ? '' : ` (${reason})`}`, () => {
  it('becomes the current one, and says which instruction path its numerics depend on', async () => {
    const started = await cpuBackend.start({});
    expect(tf.getBackend()).toBe(started.tfName);
    expect(started.numerics).toMatch(/^cpu-(scalar|avx2|avx512|avx512bf16|amx|neon)$/);
  });

  it('offers bf16 to auto where the processor multiplies it, by name everywhere, and rounds nothing in f32', async () => {
    const rounds = () => (tf.backend() as NativeBackend).roundsProducts;
    const { multipliesBf16 } = await loadAddon();
    expect((await cpuBackend.start({}, 'auto')).precisions.includes('bf16')).toBe(multipliesBf16);
    expect(rounds()).toBe(multipliesBf16);
    expect((await cpuBackend.start({}, 'bf16')).precisions).toContain('bf16');
    expect(rounds()).toBe(true);
    await cpuBackend.start({}, 'f32');
    expect(rounds()).toBe(false);
  });

  it('gives the same bits whether frozen weights stay packed or not', async () => {
    const words = Uint16Array.from({ length: 70 * 300 }, (_, i) => 0x3c00 + ((i * 37) % 500));
    const products = async (packWeights: boolean) => {
      await cpuBackend.start({ packWeights }, 'bf16');
      return tf.tidy(() => {
        const weight = frozenTensor([70, 300], bf16, new Uint8Array(words.buffer)) as tf.Tensor2D;
        const x = tf.tensor2d(
          Float32Array.from({ length: 25 * 300 }, (_, i) => Math.sin(i)),
          [25, 300],
        );
        const run = (value: tf.Tensor) => tf.square(linear(value as tf.Tensor2D, weight));
        const { value, gradients } = grads(run)([x]);
        weight.dispose();
        return [value, gradients[0]!].map((tensor) => Float32Array.from(tensor.dataSync()));
      });
    };
    expect(await products(true)).toEqual(await products(false));
  });

  it('never changes an array of the user, nor a tensor that shares storage', async () => {
    await cpuBackend.start({});
    const mine = new Float32Array(2000).fill(1);
    const sum = tf.tensor1d(mine);
    tf.engine().runKernel('LlmfAccumulate', { accumulator: sum, value: tf.ones([2000]) });
    expect(sum.dataSync()[0]).toBe(2);
    expect(mine[0]).toBe(1);
    const slice = tf.slice(sum, 0, 1000);
    tf.engine().runKernel('LlmfAccumulate', { accumulator: sum, value: tf.ones([2000]) });
    expect([sum.dataSync()[0], slice.dataSync()[0]]).toEqual([3, 2]);
    tf.dispose([sum, slice]);
  });

  it('hands out copies: what was read does not change when the tensor is gone', async () => {
    await cpuBackend.start({});
    const x = tf.fill([5000], 3);
    const read = x.dataSync();
    x.dispose();
    tf.tidy(() => tf.fill([5000], 7).dataSync());
    expect(read[0]).toBe(3);
  });
});
