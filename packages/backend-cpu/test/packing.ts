// SPDX-License-Identifier: Apache-2.0
/** What kernels round to fewer bits has the bits of the definitions in JS. */
import {
  backendFacts,
  bf16,
  declareBackend,
  expandDynamic,
  f16,
  f32,
  packDynamic,
  packWeight,
  signedCodes,
  tf,
  unsignedCodes,
  type PackedWeight,
  type WeightFormat,
} from '@llmf/nn';
import { fp4, int8, nf4 } from '@llmf/quantization';
import { beforeAll, describe, expect, it, vi } from 'vitest';

const noCheck = () => {};

/** The upper half of i · 2654435761, as −1 … 1. */
const spread = (size: number, scale = 1) =>
  Float32Array.from({ length: size }, (_, i) => ((Math.imul(i, 2_654_435_761) >>> 16) / 32_768 - 1) * scale);

/** Rows × columns of what rounding has trouble with. */
const matrices: Readonly<Record<string, readonly [rows: number, columns: number, values: Float32Array]>> = {
  'many scales': [75, 250, spread(18_750)],
  'sizes that blocks do not divide': [5, 37, spread(185)],
  'an odd number': [3, 33, spread(99, 0.02)],
  'one element': [1, 1, Float32Array.of(-0.3)],
  zeros: [4, 64, new Float32Array(256)],
  'negative zeros': [2, 64, new Float32Array(128).fill(-0)],
  denormals: [3, 64, spread(192, 1e-40)],
  'least scales': [3, 64, spread(192, 1.1e-38)],
  'one outlier': [6, 70, spread(420, 0.02).map((value, i) => (i === 215 ? 3e38 : value))],
  'midpoints of codes': [2, 64, Float32Array.from({ length: 128 }, (_, i) => (i === 0 ? 1 : (i % 31) / 31))],
  'halves of integers': [2, 64, Float32Array.from({ length: 128 }, (_, i) => (i % 64 === 0 ? 127 : (i % 20) - 9.5))],
};

const choices: readonly (readonly [WeightFormat, Record<string, unknown>])[] = [
  ...[nf4, fp4].flatMap((format) =>
    [
      { blockSize: 64, doubleQuantization: true },
      { blockSize: 32, doubleQuantization: false },
      { blockSize: 1024, doubleQuantization: true },
    ].map((options) => [format, options] as const),
  ),
  [int8, {}],
];

const packed = (format: WeightFormat, values: Float32Array, shape: readonly number[]): PackedWeight => ({
  format,
  shape,
  parts: format.pack(values, shape, {}),
});

export function describePacking(start: () => Promise<void>): void {
  describe('packing', () => {
    beforeAll(start);

    it.each(Object.entries(matrices))('%s: codes and scales have the bits of JS', (_, [rows, columns, values]) => {
      const shape = [rows, columns];
      for (const stored of [f32, bf16, f16].map((format) => packed(format, values, shape))) {
        const plain = new Float32Array(values.length);
        stored.format.expand(stored, 0, rows, plain);
        for (const [format, options] of choices) {
          const title = `${format.name} ${JSON.stringify(options)} of ${stored.format.name}`;
          if (!plain.every(Number.isFinite)) continue; // the outlier is beyond f16
          const inJs = vi.spyOn(format, 'pack');
          const { parts } = packWeight(stored, { format, options }, noCheck);
          expect(inJs, title).not.toHaveBeenCalled();
          inJs.mockRestore();
          // The definition in JS, scales of scales included.
          const { quantizer, ...others } = backendFacts();
          declareBackend(tf.getBackend(), others);
          const expected = format.pack(plain, shape, options);
          declareBackend(tf.getBackend(), { ...others, quantizer: quantizer! });
          expect(parts, title).toEqual(expected);
        }
      }
    });

    it.each([NaN, Infinity, -Infinity])('%s is given to the check, which refuses it', (value) => {
      const values = spread(4096);
      values[4001] = value;
      for (const [format, options] of choices) {
        const check = vi.fn(() => {
          throw new Error('not finite');
        });
        expect(() => packWeight(packed(f32, values, [8, 512]), { format, options }, check)).toThrow('not finite');
        expect(check).toHaveBeenCalledTimes(1);
      }
    });

    it.each([
      ['signed', signedCodes],
      ['unsigned', unsignedCodes],
    ] as const)('blocks of %s dynamic codes have the bits of JS, both ways', (_, kind) => {
      const hostile = [0, -0, 1e-45, -1e-40, 3e38, 1, 0.1, ...kind.book, ...kind.book.map((value) => value * 1e-39)];
      const values = Float32Array.from([...hostile, ...spread(70_001, 1e-3)], (value) =>
        kind === unsignedCodes ? Math.abs(value) : value,
      );
      const blocks = () => ({
        kind,
        blockSize: 256,
        codes: new Uint8Array(values.length),
        scales: new Float32Array(Math.ceil(values.length / 256)),
      });
      const both = () => {
        const made = blocks();
        packDynamic(values, made);
        const expanded = new Float32Array(values.length);
        expandDynamic(made, expanded);
        return { codes: made.codes, scales: made.scales, expanded };
      };
      const native = both();
      const { quantizer, ...others } = backendFacts();
      declareBackend(tf.getBackend(), others);
      const inJs = both();
      declareBackend(tf.getBackend(), { ...others, quantizer: quantizer! });
      expect(Buffer.compare(native.codes, inJs.codes)).toBe(0);
      expect(new Uint32Array(native.scales.buffer)).toEqual(new Uint32Array(inJs.scales.buffer));
      expect(new Uint32Array(native.expanded.buffer)).toEqual(new Uint32Array(inJs.expanded.buffer));
    });
  });
}
