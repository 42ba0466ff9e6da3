// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';

/**
 * `values[indices]` for indices known beforehand and all different: [n] → [indices.length]. Its gradient is a gather
 * too, so it works on backends without a segment-sum kernel (stock `tf.gather` does not).
 */
export function pick(values: Tensor1D, indices: Int32Array): Tensor1D {
  const size = values.shape[0];
  if (indices.length === size && indices.every((index, i) => index === i)) return values;
  const backwards = inverse(indices, size);
  const op = tf.customGrad((x) => ({
    value: tf.gather(x as Tensor1D, tf.tensor1d(indices, 'int32')),
    gradFunc: (dy: Tensor1D) => tf.gather(tf.concat([dy, tf.zeros([1])]), tf.tensor1d(backwards, 'int32')),
  }));
  return op(values) as Tensor1D;
}

/** Place of each source element in the picked ones; `indices.length`, where a zero is appended, for those left out. */
function inverse(indices: Int32Array, size: number): Int32Array {
  const places = new Int32Array(size).fill(indices.length);
  for (const [place, index] of indices.entries()) places[index] = place;
  return places;
}
