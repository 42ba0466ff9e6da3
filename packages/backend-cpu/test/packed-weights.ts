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
  type WeightParts,
} from '@llmf/nn';
import { fp4, ggufBlocks, int4, int8, nf4 } from '@llmf/quantization';
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

/** Blocks of GGUF files, any bits with scales of some size; and groups, whose columns belong to them in no order. */
const stored: readonly WeightFormat[] = [...ggufBlocks, int4];

/** As `shapes`, in rows of whole blocks. */
const storedShapes = [
  { tokens: 1, inputs: 512, outputs: 97, rank: 0 },
  { tokens: 37, inputs: 256, outputs: 65, rank: 0 },
  { tokens: 150, inputs: 1024, outputs: 129, rank: 8 },
] as const;

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
      for (const shape of shapes) expectSameBits(packedOfShape(format, options, [shape.outputs, shape.inputs]), shape);
    });

    it.each(stored.map((format) => [format.name, format] as const))(
      '%s: products, gradients, rows and log-probs',
      (_name, format) => {
        for (const shape of storedShapes) expectSameBits(storedOfShape(format, [shape.outputs, shape.inputs]), shape);
      },
    );

    it('refuses parts that are too short', () => {
      const parts = int8.pack(host('w', [8, 8], 1).data, [8, 8], {});
      const short = { ...parts, scales: parts['scales']!.subarray(0, 7) };
      const weight = frozenWeight({ format: int8, shape: [8, 8], parts: short }) as Tensor2D;
      const x = tensor('x', [2, 8]);
      expect(() => linear(x, weight)).toThrow(/weight: expected 8 elements, got 7/);
      tf.dispose([weight, x]);
    });

    it('refuses blocks and groups that are too few, and groups that there are not', () => {
      const x = tensor('x', [2, 256]);
      const refused = (format: WeightFormat, change: (parts: WeightParts) => WeightParts): string => {
        const { parts } = packedOf(storedOfShape(format, [8, 256]))!;
        const weight = frozenWeight({ format, shape: [8, 256], parts: change(parts) }) as Tensor2D;
        try {
          linear(x, weight).dispose();
          return 'nothing';
        } catch (error) {
          return (error as Error).message;
        }
      };
      const q4k = ggufBlocks.find(({ name }) => name === 'q4_k')!;
      expect(refused(q4k, ({ blocks }) => ({ blocks: blocks!.subarray(1) }))).toMatch(
        /expected 1152 elements, got 1151/,
      );
      expect(refused(int4, (parts) => ({ ...parts, zeros: parts['zeros']!.subarray(1) }))).toMatch(
        /expected 64 elements/,
      );
      const beyond = Int32Array.from({ length: 256 }, () => 8);
      expect(refused(int4, (parts) => ({ ...parts, groups: beyond }))).toMatch(/a column of no group/);
      x.dispose();
    });
  });
}

/** Results and gradients over a packed weight, which is disposed, have the bits of those over its expanded values. */
function expectSameBits(
  weight: Tensor2D,
  { tokens, inputs, outputs, rank }: { tokens: number; inputs: number; outputs: number; rank: number },
): void {
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
  const [ofPacked, ofExpanded] = results;
  const differences = ofPacked!.map((values, at) => firstDifference(values, ofExpanded![at]!));
  expect(differences.map((place, at) => (place === -1 ? 'the same bits' : `result ${at} differs at ${place}`))).toEqual(
    differences.map(() => 'the same bits'),
  );
  tf.dispose([weight, expanded, x, low.a, low.b]);
}

/** -1: none. (`toEqual` takes seconds over as many numbers as gradients have.) */
function firstDifference(one: Float32Array, other: Float32Array): number {
  expect(one.length).toBe(other.length);
  const [ours, theirs] = [one, other].map(
    ({ buffer, byteOffset, length }) => new Uint32Array(buffer, byteOffset, length),
  );
  return ours!.findIndex((bits, at) => bits !== theirs![at]);
}

/** Where halves stand in blocks of a kind; other bytes may have any bits. */
const halvesAt: Readonly<Record<string, readonly number[]>> = {
  q4_1: [0, 2],
  q5_1: [0, 2],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

function storedOfShape(format: WeightFormat, shape: readonly [number, number]): Tensor2D {
  const size = shape[0] * shape[1];
  const any = (count: number) =>
    Uint8Array.from({ length: count }, (_, i) => (Math.imul(i + 1, 2_654_435_761) >>> 13) & 255);
  if (format.blocks === undefined) {
    const groups = shape[1] / 32;
    const scales = Float32Array.from(host('s', [shape[0] * groups], 0.01).data);
    const zeros = any(shape[0] * groups).map((zero) => zero & 15);
    const order = Int32Array.from({ length: shape[1] }, (_, column) => (column * 7) % groups);
    return frozenWeight({ format, shape, parts: { codes: any(size / 2), scales, zeros, groups: order } }) as Tensor2D;
  }
  const { weights, bytes } = format.blocks;
  const blocks = any((size / weights) * bytes);
  for (let at = 0; at < blocks.length; at += bytes) {
    for (const half of halvesAt[format.name] ?? [0]) blocks[at + half + 1] = 0x10 | (blocks[at + half + 1]! & 0x83); // small
  }
  return frozenWeight({ format, shape, parts: { blocks } }) as Tensor2D;
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
