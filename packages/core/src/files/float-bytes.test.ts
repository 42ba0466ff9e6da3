// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { bf16ToFloat32, f16ToFloat32, float32ToBf16, float32ToF16, fromFloat32, toFloat32 } from './float-bytes.js';

const words = (...list: number[]) => Uint16Array.from(list);

describe('binary16', () => {
  it('has the values of IEEE 754', () => {
    const values = f16ToFloat32(words(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x8000, 0x7c00, 0x7e00, 0x3555));
    expect([...values]).toEqual([1, -2, 65504, 2 ** -14, 2 ** -24, -0, Infinity, NaN, Math.fround(0.333251953125)]);
  });

  it('returns every finite word unchanged', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, word) => word).filter((word) => (word & 0x7c00) !== 0x7c00);
    expect(float32ToF16(f16ToFloat32(all))).toEqual(all);
  });

  it('rounds to the nearest, ties to even, also at the edges of its range', () => {
    // 1 + 2⁻¹¹ is half way between 1 and 1 + 2⁻¹⁰; 1 + 3·2⁻¹¹ between an odd and an even word.
    const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 2 ** -25 * 1.01, 1.5 * 2 ** -24, -1e9, NaN];
    expect([...float32ToF16(Float32Array.from(values))]).toEqual([
      0x3c00, 0x3c02, 0x7bff, 0x7c00, 0x0000, 0x0001, 0x0002, 0xfc00, 0x7e00,
    ]);
  });
});

describe('bfloat16', () => {
  it('is the upper half of a float32', () => {
    expect([...bf16ToFloat32(words(0x3f80, 0xc000, 0x7f80))]).toEqual([1, -2, Infinity]);
  });

  it('returns every word that is not NaN unchanged, and NaN as NaN', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, word) => word);
    const numbers = all.filter((word) => (word & 0x7fff) <= 0x7f80);
    expect(float32ToBf16(bf16ToFloat32(numbers))).toEqual(numbers);
    expect(bf16ToFloat32(float32ToBf16(Float32Array.of(NaN)))[0]).toBeNaN();
  });

  it('rounds ties to even', () => {
    // 1 + 2⁻⁸ is half way between 0x3f80 and 0x3f81.
    const values = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20);
    expect([...float32ToBf16(values)]).toEqual([0x3f80, 0x3f82, 0x3f81]);
  });
});

describe('toFloat32', () => {
  it('reads integers and wide floats', () => {
    const bytes = (array: { buffer: ArrayBufferLike }) => new Uint8Array(array.buffer);
    const of = (dtype: 'I64' | 'I32' | 'F64' | 'I16', array: { buffer: ArrayBufferLike; length: number }) => [
      ...toFloat32({ dtype, shape: [array.length], data: bytes(array) }),
    ];
    expect(of('I64', BigInt64Array.of(-3n, 5n))).toEqual([-3, 5]);
    expect(of('I32', Int32Array.of(-3, 5))).toEqual([-3, 5]);
    expect(of('I16', Int16Array.of(-3, 5))).toEqual([-3, 5]);
    expect(of('F64', Float64Array.of(0.5, 0.1))).toEqual([0.5, Math.fround(0.1)]);
  });

  it('copes with bytes that begin anywhere', () => {
    const bytes = new Uint8Array(13);
    bytes.set(fromFloat32(Float32Array.of(1, 2, 3), 'F32'), 1);
    expect([...toFloat32({ dtype: 'F32', shape: [3], data: bytes.subarray(1) })]).toEqual([1, 2, 3]);
    const halves = new Uint8Array(5);
    halves.set(fromFloat32(Float32Array.of(1, 2), 'F16'), 1);
    expect([...toFloat32({ dtype: 'F16', shape: [2], data: halves.subarray(1) })]).toEqual([1, 2]);
  });

  it('does not share memory with the stored bytes', () => {
    const data = fromFloat32(Float32Array.of(1), 'F32');
    toFloat32({ dtype: 'F32', shape: [1], data })[0] = 9;
    expect(new Float32Array(data.buffer)[0]).toBe(1);
  });
});
