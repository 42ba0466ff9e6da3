// SPDX-License-Identifier: Apache-2.0
/**
 * Matrix products for composites. A backend may say (`fastProducts`) that only the plain product of two matrices runs on
 * its fast kernel; in tfjs's wasm a transposed factor or a batch falls back to a scalar loop, measured 8 to 12 times slower (120 × 128 × 352: 4.8
 * ms against 0.44 ms). There factors are transposed beforehand and batches run one by one. The results do not depend
 * on which factor was transposed, nor on the number of rows.
 */
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { backendFacts } from '../backends/facts.js';
import { tf } from '../tf.js';

/** a bᵀ: [m, k], [n, k] → [m, n] */
export function timesTransposed(a: Tensor2D, b: Tensor2D): Tensor2D {
  const [m, k] = a.shape;
  const n = b.shape[0];
  if (m === 0) return tf.zeros([0, n]);
  if (!isPlainOnly()) return tf.matMul(a, b, false, true);
  // (b aᵀ)ᵀ where that moves fewer values: few rows against a large weight.
  if (m * (k + n) < n * k) return tf.transpose(tf.matMul(b, tf.transpose(a)));
  return tf.matMul(a, tf.transpose(b));
}

/** aᵀ b: [m, k], [m, n] → [k, n] */
export function transposedTimes(a: Tensor2D, b: Tensor2D): Tensor2D {
  if (a.shape[0] === 0) return tf.zeros([a.shape[1], b.shape[1]]);
  return isPlainOnly() ? tf.matMul(tf.transpose(a), b) : tf.matMul(a, b, true, false);
}

/** a b: [m, k], [k, n] → [m, n] */
export function times(a: Tensor2D, b: Tensor2D): Tensor2D {
  return a.shape[0] === 0 ? tf.zeros([0, b.shape[1]]) : tf.matMul(a, b);
}

/** Products of corresponding matrices: a [G, m, k] and b [G, k, n], either of them stored transposed → [G, m, n]. */
export function batchProduct(a: Tensor3D, b: Tensor3D, transposed: 'a' | 'b' | 'none' = 'none'): Tensor3D {
  const [left, right] = [transposed === 'a', transposed === 'b'];
  const work = (a.size / a.shape[0]) * b.shape[right ? 1 : 2];
  if (!isPlainOnly() || work < worthSplitting) return tf.matMul(a, b, left, right);
  const first = tf.unstack(left ? tf.transpose(a, [0, 2, 1]) : a) as Tensor2D[];
  const second = tf.unstack(right ? tf.transpose(b, [0, 2, 1]) : b) as Tensor2D[];
  return tf.stack(first.map((matrix, g) => tf.matMul(matrix, second[g]!))) as Tensor3D;
}

/** Multiplications below which the scalar loop costs less than calling the fast kernel once per matrix. */
const worthSplitting = 30_000;

const isPlainOnly = () => backendFacts().fastProducts === 'plain';
