// SPDX-License-Identifier: Apache-2.0
/** Weights in fewer bits: results and gradients are, to the bit, those of the same weight expanded. */
import {
  embedding,
  expandedRows,
  f16,
  frozenWeight,
  grads,
  linear,
  packedOf,
  selectedLogProbs,
  tf,
  type LowRank,
  type Scalar,
  type Tensor,
  type Tensor2D,
  type WeightFormat,
} from '@llmf/nn';
import { fp4, int8, nf4 } from '@llmf/quantization';
import { host } from '@llmf/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNativeBackend } from '../src/backend/start.js';

const formats: readonly (readonly [string, WeightFormat, Record<string, unknown>])[] = [
  ['f16', f16, {}],
  ['nf4', nf4, { blockSize: 64, doubleQuantization: true }],
  ['nf4 with plain scales in blocks of 32', nf4, { blockSize: 32, doubleQuantization: false }],
  ['fp4', fp4, { blockSize: 64, doubleQuantization: true }],
  ['int8', int8, {}],
];

/** Rows that end within a block and within a byte, one pass of k and several, one row and many. */
const shapes = [
  { tokens: 1, inputs: 320, outputs: 97, rank: 0 },
  { tokens: 37, inputs: 97, outputs: 65, rank: 0 },
  { tokens: 150, inputs: 1000, outputs: 129, rank: 8 },
] as const;

export function describePackedWeights(start: () => Promise<void>): void {
  describe.each(['f32', 'bf16'] as const)('packed weights, computing in %s', (precision) => {
    beforeAll(async () => void (await startNativeBackend({ threads: 2, sharedFrom: 0, precision })));
    afterAll(start);

    it.each(formats)('%s: products, gradients, rows and log-probs', (_name, format, options) => {
      for (const { tokens, inputs, outputs, rank } of shapes) {
        const weight = packedOfShape(format, options, [outputs, inputs]);
        const expanded = tf.tensor2d(expandedRows(packedOf(weight)!, 0, outputs), [outputs, inputs]);
        const x = tensor('x', [tokens, inputs]);
        const low = { a: tensor('a', [rank, inputs]), b: tensor('b', [outputs, rank]), scale: 0.5, dropout: 0 };
        const linearOptions = rank === 0 ? {} : { lowRank: low as unknown as LowRank };
        const places = Int32Array.from({ length: tokens }, (_, i) => i);
        const targets = places.map((place) => (place * 7) % outputs);
        const results = [weight, expanded].map((w) => {
          const product = (input: Tensor) => tf.sum(tf.square(linear(input as Tensor2D, w, linearOptions))) as Scalar;
          const logProbs = (input: Tensor) =>
            tf.sum(selectedLogProbs(input as Tensor2D, w, places, targets).logProb) as Scalar;
          return [product, logProbs]
            .flatMap((loss) => {
              const { value, gradients } = grads(loss)([x]);
              return [value, gradients[0]!];
            })
            .concat(embedding(Int32Array.of(outputs - 1, 0), w), selectedLogProbs(x, w, places, targets).logProb)
            .map((result) => Float32Array.from(result.dataSync()));
        });
        expect(results[0]).toEqual(results[1]);
        tf.dispose([weight, expanded, x, low.a, low.b]);
      }
    });

    it('refuses parts that are too short', () => {
      const parts = int8.pack(host('w', [8, 8], 1).data, [8, 8], {});
      const short = { ...parts, scales: parts['scales']!.subarray(0, 7) };
      const weight = frozenWeight({ format: int8, shape: [8, 8], parts: short }) as Tensor2D;
      const x = tensor('x', [2, 8]);
      expect(() => linear(x, weight)).toThrow(/weight: expected 8 elements, got 7/);
      tf.dispose([weight, x]);
    });
  });
}

function packedOfShape(
  format: WeightFormat,
  options: Record<string, unknown>,
  shape: readonly [number, number],
): Tensor2D {
  const { data } = host('w', shape, 0.1);
  return frozenWeight({ format, shape, parts: format.pack(data, shape, options) }) as Tensor2D;
}

const tensor = (site: string, shape: [number, number]): Tensor2D =>
  tf.tensor2d(shape.includes(0) ? new Float32Array(0) : Float32Array.from(host(site, shape, 0.3).data), shape);
