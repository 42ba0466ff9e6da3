// SPDX-License-Identifier: Apache-2.0
import { bf16, embedding, frozenWeight, grads, linear, selectedLogProbs, tf, type Tensor2D } from '@llmf/nn';
import { host } from '@llmf/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainingWebGpuBackend } from '../src/backend/webgpu-backend.js';
import { start, startWithLimit, whySkipped } from './software-device.js';

const reason = await whySkipped();
const backend = () => tf.backend() as TrainingWebGpuBackend;

/** T tokens, C hidden size, V vocabulary. */
const [tokens, width, vocabulary] = [5, 12, 70];
const values = {
  x: host('x', [tokens, width]).data,
  w: host('w', [vocabulary, width], 0.3).data,
  bias: host('bias', [vocabulary], 0.3).data,
};

/** Embedding, product, log-probs under the same weight, and their gradients by the input. */
async function results(frozen: (values: Float32Array) => Tensor2D): Promise<number[][]> {
  const weight = frozen(values.w);
  const x = tf.tensor2d(values.x, [tokens, width]);
  const bias = tf.tensor1d(values.bias);
  const rows = embedding(Int32Array.of(69, 0, 33, 34), weight);
  const y = linear(x, weight, { bias });
  const loss = (input: Tensor2D) => {
    const targets = Int32Array.of(69, 1, 34, 0, 20);
    const { logProb } = selectedLogProbs(input, weight, Int32Array.of(0, 1, 2, 3, 4), targets, { bias });
    return tf.add(tf.sum(logProb), tf.sum(tf.square(linear(input, weight, { bias })))) as tf.Scalar;
  };
  const { value, gradients } = grads((input) => loss(input as Tensor2D))([x]);
  const all = [rows, y, value, ...gradients];
  const numbers = await Promise.all(all.map(async (tensor) => [...(await tensor.data())]));
  tf.dispose([...all, x, bias, weight]);
  return numbers;
}

const asFloats = (w: Float32Array) => tf.keep(tf.tensor2d(w, [vocabulary, width]));
const asBf16 = (w: Float32Array) =>
  frozenWeight({ format: bf16, shape: [vocabulary, width], parts: bf16.pack(w, [vocabulary, width], {}) }) as Tensor2D;

describe.skipIf(reason !== null)(`limits of a GPU${reason === null ? '' : ` (${reason})`}`, () => {
  let expected: Record<'floats' | 'bf16', number[][]>;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    expected = { floats: await results(asFloats), bf16: await results(asBf16) };
    await start();
  });
  afterAll(start);

  const near = (got: number[][], wanted: number[][]) =>
    got.forEach((list, index) => {
      const largest = Math.max(...wanted[index]!.map(Math.abs));
      list.forEach((value, at) => expect(Math.abs(value - wanted[index]![at]!)).toBeLessThan(1e-5 * (1 + largest)));
    });

  it('computes with frozen bf16 weights as they are', async () => {
    near(await results(asBf16), expected.bf16);
    near(await results(asFloats), expected.floats);
  });

  it('gives the same bits when every dispatch is cut into single groups', async () => {
    const whole = await results(asFloats);
    const before = backend().runner.seconds;
    backend().runner.seconds = 0;
    const cut = await results(asFloats);
    backend().runner.seconds = before;
    expect(cut).toEqual(whole);
  });

  it('splits frozen weights above the limit of a buffer, and refuses other tensors', async () => {
    const bytes = 4 * width * 40; // 40 of the 70 rows, or 68 in bf16
    await startWithLimit(bytes);
    near(await results(asFloats), expected.floats);
    near(await results(asBf16), expected.bf16);
    expect(() => tf.square(tf.zeros([vocabulary, width]))).toThrow(/^LLMF_BACKEND_WEBGPU_TOO_LARGE: /);
  });
});
