// SPDX-License-Identifier: Apache-2.0
/** Conversions between storage forms of numbers and float32. IEEE 754 binary16 and bfloat16, round to nearest even. */
import { fileErrors } from './file-errors.js';
import type { HostTensor, SafetensorsDtype } from './tensor-info.js';

/** The values of a floating-point or integer tensor as float32; a copy. */
export function toFloat32({ dtype, data }: HostTensor): Float32Array {
  switch (dtype) {
    case 'F32':
      return new Float32Array(data.slice().buffer);
    case 'BF16':
      return bf16ToFloat32(words16(data));
    case 'F16':
      return f16ToFloat32(words16(data));
    case 'F64':
      return Float32Array.from(new Float64Array(aligned(data, 8)));
    case 'I64':
      return Float32Array.from(new BigInt64Array(aligned(data, 8)), Number);
    case 'I32':
      return Float32Array.from(new Int32Array(aligned(data, 4)));
    case 'I16':
      return Float32Array.from(new Int16Array(aligned(data, 2)));
    case 'I8':
      return Float32Array.from(new Int8Array(aligned(data, 1)));
    case 'U8':
    case 'BOOL':
      return Float32Array.from(data);
    default:
      return dtype satisfies never;
  }
}

/** float32 values in a floating-point storage form. */
export function fromFloat32(values: Float32Array, dtype: SafetensorsDtype): Uint8Array {
  switch (dtype) {
    case 'F32':
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    case 'BF16':
      return bytesOf(float32ToBf16(values));
    case 'F16':
      return bytesOf(float32ToF16(values));
    case 'F64':
      return bytesOf(Float64Array.from(values));
    default:
      throw fileErrors.safetensorsData({ tensor: '(values)', got: dtype, expected: 'F32, F16, BF16 or F64' });
  }
}

/** The place of the first value that is NaN or infinite; −1 where all are finite numbers. */
export function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) < Infinity)) return i;
  return -1;
}

/** The same of bfloat16 words: all bits of the exponent are set. */
export function firstNonFiniteBf16(words: Uint16Array): number {
  for (let i = 0; i < words.length; i++) if ((words[i]! & 0x7f80) === 0x7f80) return i;
  return -1;
}

/** bfloat16 words → float32: the upper half of its bits. */
export function bf16ToFloat32(words: Uint16Array): Float32Array {
  const bits = new Uint32Array(words.length);
  for (let i = 0; i < words.length; i++) bits[i] = words[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** float32 → bfloat16 words, round to nearest even; NaN stays NaN. */
export function float32ToBf16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) {
    const word = bits[i]!;
    const isNaN = (word & 0x7fffffff) > 0x7f800000;
    words[i] = isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return words;
}

/** binary16 words → float32. */
export function f16ToFloat32(words: Uint16Array): Float32Array {
  const table = (halfTable ??= Float32Array.from({ length: 65536 }, (_, word) => halfValue(word)));
  const values = new Float32Array(words.length);
  for (let i = 0; i < words.length; i++) values[i] = table[words[i]!]!;
  return values;
}

/** float32 → binary16 words, round to nearest even; beyond 65504 becomes infinite. */
export function float32ToF16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const words = new Uint16Array(values.length);
  for (let i = 0; i < words.length; i++) words[i] = halfWord(bits[i]!);
  return words;
}

let halfTable: Float32Array | undefined;

function halfValue(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >>> 10) & 31;
  const fraction = word & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function halfWord(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // rounds to 65520 or more
  if (magnitude >= 0x38800000) {
    const shifted = magnitude - 0x38000000; // rebias the exponent from 127 to 15
    return sign | ((shifted + 0xfff + ((shifted >>> 13) & 1)) >>> 13);
  }
  // Subnormal half: the value in units of 2⁻²⁴, ties to even.
  const exponent = magnitude >>> 23;
  if (exponent < 102) return sign;
  const mantissa = (magnitude & 0x7fffff) | 0x800000;
  const shift = 126 - exponent;
  const floor = mantissa >>> shift;
  const rest = mantissa & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (rest > half || (rest === half && (floor & 1) === 1) ? floor + 1 : floor);
}

const words16 = (data: Uint8Array): Uint16Array => new Uint16Array(aligned(data, 2));

/** The bytes in a buffer of their own when they do not begin at a multiple of `size`. */
function aligned(data: Uint8Array, size: number): ArrayBuffer {
  const isWhole = data.byteOffset === 0 && data.byteLength === data.buffer.byteLength && data.byteOffset % size === 0;
  return (isWhole ? data.buffer : data.slice().buffer) as ArrayBuffer;
}

const bytesOf = (values: Uint16Array | Float64Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
