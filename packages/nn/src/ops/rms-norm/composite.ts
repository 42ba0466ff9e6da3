// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { sumOfRows } from '../sum-of-rows.js';

export interface RmsNormInputs {
  readonly x: Tensor2D; // [T, C]
  readonly weight: Tensor1D; // [C]
}
export interface Epsilon {
  readonly epsilon: number;
}

/** y = w ∘ x r with r = 1/√(mean x² + ε) */
export const rmsNormComposite = ({ x, weight }: RmsNormInputs, { epsilon }: Epsilon): readonly [Tensor2D] => [
  tf.mul(tf.mul(x, inverseRms(x, epsilon)), weight),
];

/** g = w ∘ dy: dx = r g − x r³ mean(g ∘ x); dw = Σ over rows of dy ∘ x r */
export function rmsNormGradientComposite(
  { dy, x, weight }: RmsNormInputs & { readonly dy: Tensor2D },
  { epsilon, wantsWeight }: Epsilon & { readonly wantsWeight: boolean },
): readonly [Tensor2D, Tensor1D] {
  const r = inverseRms(x, epsilon); // [T, 1]
  const normalized = tf.mul(x, r); // [T, C]
  const g = tf.mul(dy, weight);
  const along = tf.mean(tf.mul(g, normalized), -1, true); // [T, 1]
  const dx = tf.mul(tf.sub(g, tf.mul(normalized, along)), r) as Tensor2D;
  return [dx, wantsWeight ? sumOfRows(tf.mul(dy, normalized)) : tf.zeros([0])];
}

const inverseRms = (x: Tensor, epsilon: number): Tensor => tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
