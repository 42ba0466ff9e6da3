// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { sumOfRows } from '../sum-of-rows.js';

export interface LayerNormInputs {
  readonly x: Tensor2D; // [T, C]
  readonly weight: Tensor1D; // [C]
  readonly bias: Tensor1D; // [C]
}
export interface Epsilon {
  readonly epsilon: number;
}

/** y = w ∘ n + b with n = (x − mean x) r, r = 1/√(var x + ε) */
export function layerNormComposite({ x, weight, bias }: LayerNormInputs, { epsilon }: Epsilon): readonly [Tensor2D] {
  return [tf.add(tf.mul(normalized(x, epsilon).n, weight), bias)];
}

/** g = w ∘ dy: dx = r (g − mean g − n mean(g ∘ n)); dw = Σ dy ∘ n, db = Σ dy over rows */
export function layerNormGradientComposite(
  { dy, x, weight }: Omit<LayerNormInputs, 'bias'> & { readonly dy: Tensor2D },
  { epsilon, wantsWeight }: Epsilon & { readonly wantsWeight: boolean },
): readonly [Tensor2D, Tensor1D, Tensor1D] {
  const { n, r } = normalized(x, epsilon);
  const g = tf.mul(dy, weight);
  const along = tf.mean(tf.mul(g, n), -1, true); // [T, 1]
  const dx = tf.mul(tf.sub(tf.sub(g, tf.mean(g, -1, true)), tf.mul(n, along)), r) as Tensor2D;
  if (!wantsWeight) return [dx, tf.zeros([0]), tf.zeros([0])];
  return [dx, sumOfRows(tf.mul(dy, n)), sumOfRows(dy)];
}

function normalized(x: Tensor2D, epsilon: number): { n: Tensor; r: Tensor } {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const r = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon)); // [T, 1]
  return { n: tf.mul(centred, r), r };
}
