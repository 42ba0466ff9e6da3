// SPDX-License-Identifier: Apache-2.0
/**
 * 8-bit integers with one scale a row, its largest magnitude: weight ≈ code · scale / 127. LLM.int8() (Dettmers et al.,
 * 2022), section 2.1, without outliers apart; rounding and constants are those of bitsandbytes' `int8_vectorwise_quant`.
 */
import type { WeightFormat } from '@llmf/nn';

/** 1/127 as bitsandbytes writes it. */
export const perCode = Math.fround(0.00787401574);

export const int8: WeightFormat = {
  name: 'int8',
  description: '8 bits a weight: integers with one scale a row',
  rounding: () => ({
    rule: { kind: 'rows' },
    parts: ({ codes, scales }) => ({ codes: new Int8Array(codes.buffer, codes.byteOffset, codes.length), scales }),
  }),
  pack(values, [rows, columns]) {
    const { fround } = Math;
    const codes = new Int8Array(values.length);
    const scales = new Float32Array(rows!);
    for (let row = 0; row < rows!; row++) {
      const [start, end] = [row * columns!, (row + 1) * columns!];
      let most = 0;
      for (let i = start; i < end; i++) most = Math.max(most, Math.abs(values[i]!));
      scales[row] = most;
      if (most === 0) continue;
      const factor = fround(127 / most);
      const isFinite = factor < Infinity; // the inverse of a denormal is not: those are divided
      for (let i = start; i < end; i++) {
        codes[i] = roundEven(isFinite ? fround(values[i]! * factor) : (values[i]! / most) * 127);
      }
    }
    return { codes, scales };
  },
  expand({ parts, shape }, from, to, into) {
    const { fround } = Math;
    const columns = shape[1]!;
    const { codes, scales } = parts;
    for (let row = from; row < to; row++) {
      const scale = scales![row]!;
      for (let column = 0; column < columns; column++) {
        into[(row - from) * columns + column] = fround(codes![row * columns + column]! * scale) * perCode;
      }
    }
  },
  bytes: ([rows, columns]) => rows! * columns! + 4 * rows!,
};

/** The nearest integer within ±127, the even one of two. */
function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  const nearest = rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
  return Math.max(-127, Math.min(127, nearest));
}
