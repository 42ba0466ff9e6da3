// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** R of the D values of a head are rotated. */
export interface RopeInputs {
  readonly x: Tensor3D; // [T, H, D]
  readonly cos: Tensor2D; // [T, R/2]
  readonly sin: Tensor2D; // [T, R/2]
}

/**
 * With x = [x₁, x₂, rest]: y = [x₁ cos − x₂ sin, x₂ cos + x₁ sin, rest]. Written as x ∘ [cos, cos, 1] + (x P) ∘ [sin,
 * sin, 0] with a signed permutation P (x P = [−x₂, x₁, 0]), which is exact and spares the slow slices of tfjs.
 */
export function ropeComposite(
  { x, cos, sin }: RopeInputs,
  { inverse }: { readonly inverse: boolean },
): readonly [Tensor3D] {
  const [tokens, heads, size] = x.shape;
  const half = cos.shape[1];
  const rows = tf.reshape(x, [tokens * heads, size]);
  const turned = tf.reshape(tf.matMul(rows, turn(size, half, inverse ? -1 : 1)), x.shape);
  const along = tf.mul(x, overHeads([cos, cos], 1, size)); // [T, H, D]
  return [tf.add(along, tf.mul(turned, overHeads([sin, sin], 0, size)))];
}

/** P [D, D]: from the second half to the first with sign −, from the first to the second with sign +. */
function turn(size: number, half: number, direction: 1 | -1): Tensor2D {
  const entries = new Float32Array(size * size);
  for (let i = 0; i < half; i++) {
    entries[(half + i) * size + i] = -direction;
    entries[i * size + half + i] = direction;
  }
  return tf.tensor2d(entries, [size, size], 'float32');
}

/** [T, R/2] twice, filled up to [T, 1, D] with `rest`. */
function overHeads(halves: [Tensor2D, Tensor2D], rest: 0 | 1, size: number): Tensor {
  const [tokens, half] = halves[0].shape;
  const missing = size - 2 * half;
  const parts = missing === 0 ? halves : [...halves, tf.fill([tokens, missing], rest) as Tensor2D];
  return tf.reshape(tf.concat(parts, 1), [tokens, 1, size]);
}
