// SPDX-License-Identifier: Apache-2.0
import { bf16, type PackedWeight, tf } from '@llmf/nn';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/** Rows [first, first + rows) of a weight, in a buffer that the GPU takes. */
export interface WeightPart {
  readonly tensor: tf.TensorInfo;
  readonly first: number;
  readonly rows: number;
}

export interface WeightParts {
  readonly format: 'f32' | 'bf16';
  readonly parts: readonly WeightPart[];
}

/** Formats of frozen weights that lie on the GPU as they are kept. */
export const nativeFormats: ReadonlySet<string> = new Set([bf16.name]);

/** Cut where one buffer would be above `limit` bytes. */
export function partsOf(
  backend: WebGPUBackend,
  values: Float32Array | Uint16Array,
  [rows, columns]: readonly [number, number],
  limit: number,
): WeightPart[] {
  const each = Math.max(1, Math.floor(limit / (columns * values.BYTES_PER_ELEMENT + 4)));
  return Array.from({ length: Math.ceil(rows / each) }, (_, part) => {
    const first = part * each;
    const count = Math.min(each, rows - first);
    const words = wordsOf(values.subarray(first * columns, (first + count) * columns));
    const tensor = backend.makeTensorInfo([words.length], words instanceof Float32Array ? 'float32' : 'int32', words);
    backend.uploadToGPU(tensor.dataId);
    return { tensor, first, rows: count };
  });
}

/** Four bytes each: bf16 values two in a word, the last filled up. */
function wordsOf(values: Float32Array | Uint16Array): Float32Array | Int32Array {
  if (values instanceof Float32Array) return values;
  const filled = new Uint16Array(2 * Math.ceil(values.length / 2));
  filled.set(values);
  return new Int32Array(filled.buffer);
}

/** Rows and columns of a weight; a vector is one row. */
export const matrixShape = (shape: readonly number[]): [number, number] =>
  shape.length === 2 ? [shape[0]!, shape[1]!] : [1, tf.util.sizeFromShape([...shape])];

export const elementsOfBf16 = ({ parts }: PackedWeight): Uint16Array => parts['values'] as Uint16Array;
