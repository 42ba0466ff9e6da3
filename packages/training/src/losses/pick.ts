// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@llmf/nn';
import { tf } from '@llmf/nn';
import { withGradient } from './with-gradient.js';

/**
 * `values[indices]` for indices known beforehand and all different: [n] → [indices.length]. Its gradient is a gather
 * too, so it costs no product with one-hot rows, as that of `tf.gather` does on a backend without a scatter.
 */
export function pick(values: Tensor1D, indices: Int32Array): Tensor1D {
  const size = values.shape[0];
  if (indices.length === size && indices.every((index, i) => index === i)) return values;
  const backwards = inverse(indices, size);
  return withGradient(values, (x) => ({
    value: tf.gather(x, tf.tensor1d(indices, 'int32')),
    gradFunc: (dy) => tf.gather(tf.concat([dy, tf.tensor1d([0])]), tf.tensor1d(backwards, 'int32')),
  }));
}

/** Place of each source element in the picked ones; `indices.length`, where a zero is appended, for those left out. */
function inverse(indices: Int32Array, size: number): Int32Array {
  const places = new Int32Array(size).fill(indices.length);
  for (const [place, index] of indices.entries()) places[index] = place;
  return places;
}
