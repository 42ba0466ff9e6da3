// SPDX-License-Identifier: Apache-2.0
// The formats of plain elements, as safetensors files hold them.
import { bf16ToFloat32, f16ToFloat32, float32ToBf16, float32ToF16, type SafetensorsDtype } from '@llmf/core';
import type { PackedWeight, WeightFormat } from '../contracts/weight-format.js';
import { tf } from '../tf.js';

type Elements = Float32Array | Uint16Array;

/** A format with one part, `values`: the elements of its dtype. */
export interface ElementFormat extends WeightFormat {
  readonly dtype: SafetensorsDtype;
  readonly bytesPerElement: number;
  /** The elements of little-endian bytes, without a copy where they are aligned. */
  view(bytes: Uint8Array): Elements;
}

const sizeOf = (shape: readonly number[]): number => tf.util.sizeFromShape([...shape]);

function elementFormat<A extends Elements>(
  name: string,
  dtype: SafetensorsDtype,
  description: string,
  kind: { new (buffer: ArrayBufferLike, offset: number, length: number): A; readonly BYTES_PER_ELEMENT: number },
  { pack, expand }: { pack(values: Float32Array): A; expand(elements: A): Float32Array },
): ElementFormat {
  const width = kind.BYTES_PER_ELEMENT;
  return {
    name,
    dtype,
    description,
    bytesPerElement: width,
    pack: (values) => ({ values: pack(values) }),
    expand({ parts, shape }, from, to, into) {
      const columns = sizeOf(shape.slice(1));
      into.set(expand((parts['values'] as A).subarray(from * columns, to * columns) as A));
    },
    bytes: (shape) => sizeOf(shape) * width,
    view(bytes) {
      const { buffer, byteOffset, byteLength } = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
      return new kind(buffer, byteOffset, byteLength / width);
    },
  };
}

export const f32 = elementFormat('f32', 'F32', '4 bytes a weight', Float32Array, {
  pack: (values) => values.slice(),
  expand: (values) => values,
});

export const bf16 = elementFormat('bf16', 'BF16', '2 bytes a weight, rounded to 8 bits', Uint16Array, {
  pack: float32ToBf16,
  expand: bf16ToFloat32,
});

export const f16 = elementFormat('f16', 'F16', '2 bytes a weight, rounded to 11 bits, up to 65504', Uint16Array, {
  pack: float32ToF16,
  expand: f16ToFloat32,
});

export const elementFormats: readonly ElementFormat[] = [f32, bf16, f16];

/** The format of a file's dtype, where there is one. */
export const formatOfDtype = (dtype: SafetensorsDtype): ElementFormat | undefined =>
  elementFormats.find((format) => format.dtype === dtype);

/** The elements of a weight kept as plain ones of this dtype, else null. */
export const elementsOf = ({ format, parts }: PackedWeight, dtype: SafetensorsDtype): Elements | null =>
  format.dtype === dtype ? (parts['values'] as Elements) : null;
