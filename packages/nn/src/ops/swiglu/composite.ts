// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** gate and up, or what a backend keeps of them; composites keep nothing, so they get the first two. */
export type Gated = {
  readonly gate?: Tensor2D; // [T, F]
  readonly up?: Tensor2D; // [T, F]
  readonly kept?: Tensor2D;
};
export interface SwigluAttributes {
  /** Something will be differentiated. */
  readonly keeps: boolean;
}

/** silu(g) ∘ u with silu(g) = g σ(g); has no form of its own to keep them in. */
export const swigluComposite = ({ gate, up }: Gated): readonly Tensor2D[] => [
  tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!),
];

/** silu′(g) = σ(g) (1 + g (1 − σ(g))) = σ(g) + silu(g) (1 − σ(g)) */
export function swigluGradientComposite({
  dy,
  gate,
  up,
}: Gated & { readonly dy: Tensor2D }): readonly [Tensor2D, Tensor2D] {
  const sigmoid = tf.sigmoid(gate!);
  const silu = tf.mul(gate!, sigmoid);
  const slope = tf.add(sigmoid, tf.sub(silu, tf.mul(silu, sigmoid)));
  return [tf.mul(tf.mul(dy, up!), slope), tf.mul(dy, silu)];
}
