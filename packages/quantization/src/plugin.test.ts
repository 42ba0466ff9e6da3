// SPDX-License-Identifier: Apache-2.0
import { createEngine } from '@llmf/core';
import { frozenWeight, linear, packedBytes, packedOf, tf, WeightFormatToken, type Tensor2D } from '@llmf/nn';
import { expect, it } from 'vitest';
import quantization, { fourBitOptions, fp4, int8, nf4 } from './index.js';

it('provides its formats by name', () => {
  const engine = createEngine();
  engine.use(quantization());
  for (const format of [nf4, fp4, int8]) expect(engine.find(WeightFormatToken, format.name)).toBe(format);
});

it.each([nf4, fp4, int8])('a product with a weight in $name is that of its expanded values', async (format) => {
  await tf.setBackend('cpu');
  const shape = [33, 100] as const;
  const values = Float32Array.from({ length: 3300 }, (_, i) => Math.sin(i * i) / 10);
  const options = format.options === undefined ? {} : fourBitOptions.parse({});
  const weight = frozenWeight({ format, shape, parts: format.pack(values, shape, options) }) as Tensor2D;
  const packed = packedOf(weight)!;
  expect(packedBytes(packed)).toBe(format.bytes(shape, options));
  const into = new Float32Array(3300);
  format.expand(packed, 0, 33, into);
  const expanded = tf.tensor2d(into, [...shape]);
  const x = tf.tensor2d(values.subarray(0, 500), [5, 100]);
  expect([...linear(x, weight).dataSync()]).toEqual([...linear(x, expanded).dataSync()]);
  tf.dispose([weight, expanded, x]);
});
