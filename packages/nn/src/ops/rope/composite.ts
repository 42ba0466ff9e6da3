// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** R of the D values of a head are rotated. */
export interface RopeInputs {
  readonly x: Tensor3D; // [T, H, D]
  readonly cos: Tensor2D; // [T, R/2]
  readonly sin: Tensor2D; // [T, R/2]
}

export interface RopeAttributes {
  readonly inverse: boolean;
  /** Pair i of a head is (x_2i, x_2i+1), not (x_i, x_i+R/2). */
  readonly interleaved: boolean;
}

/**
 * With x = [x₁, x₂, rest]: y = [x₁ cos − x₂ sin, x₂ cos + x₁ sin, rest]. Written as x ∘ [cos, cos, 1] + (x P) ∘ [sin,
 * sin, 0] with a signed permutation P (x P = [−x₂, x₁, 0]), which is exact and spares the slow slices of tfjs.
 */
export function ropeComposite(
  { x, cos, sin }: RopeInputs,
  { inverse, interleaved }: RopeAttributes,
): readonly [Tensor3D] {
  const [tokens, heads, size] = x.shape;
  const rows = tf.reshape(x, [tokens * heads, size]);
  const permutation = turn(size, pairsOf(cos.shape[1], interleaved), inverse ? -1 : 1);
  const turned = tf.reshape(tf.matMul(rows, permutation), x.shape);
  const along = tf.mul(x, overHeads(cos, 1, size, interleaved)); // [T, H, D]
  return [tf.add(along, tf.mul(turned, overHeads(sin, 0, size, interleaved)))];
}

/** The places of each pair in a head. */
const pairsOf = (count: number, interleaved: boolean): (readonly [number, number])[] =>
  Array.from({ length: count }, (_, i) => (interleaved ? [2 * i, 2 * i + 1] : [i, count + i]));

/** P [D, D]: from the second of a pair to the first with sign −, from the first to the second with sign +. */
function turn(size: number, pairs: readonly (readonly [number, number])[], direction: 1 | -1): Tensor2D {
  const entries = new Float32Array(size * size);
  for (const [first, second] of pairs) {
    entries[second * size + first] = -direction;
    entries[first * size + second] = direction;
  }
  return tf.tensor2d(entries, [size, size], 'float32');
}

/** [T, R/2], each value for both of its pair, filled up to [T, 1, D] with `rest`. */
function overHeads(values: Tensor2D, rest: 0 | 1, size: number, interleaved: boolean): Tensor {
  const [tokens, half] = values.shape;
  const missing = size - 2 * half;
  const both = interleaved
    ? (tf.reshape(tf.stack([values, values], 2), [tokens, 2 * half]) as Tensor2D)
    : tf.concat([values, values], 1);
  const filled = missing === 0 ? both : tf.concat([both, tf.fill([tokens, missing], rest) as Tensor2D], 1);
  return tf.reshape(filled, [tokens, 1, size]);
}
