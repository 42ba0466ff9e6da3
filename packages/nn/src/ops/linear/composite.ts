// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** T rows, K inputs, N outputs, r rank. */
export interface LinearInputs {
  readonly x: Tensor2D; // [T, K]
  readonly weight: Tensor2D; // [N, K]
  readonly bias?: Tensor1D | undefined; // [N]
  readonly a?: Tensor2D | undefined; // [r, K]
  readonly b?: Tensor2D | undefined; // [N, r]
  /** Dropout mask of the low-rank path: 0 or 1/(1 − p). */
  readonly mask?: Tensor2D | undefined; // [T, K]
}
export interface LowRankScale {
  readonly scale: number;
}

/** y = x Wᵀ + bias + scale · ((x ∘ mask) Aᵀ) Bᵀ */
export function linearComposite({ x, weight, bias, a, b, mask }: LinearInputs, { scale }: LowRankScale): readonly [Tensor2D] {
  let y: Tensor2D = tf.matMul(x, weight, false, true); // [T, N]
  if (bias !== undefined) y = tf.add(y, bias);
  if (a !== undefined && b !== undefined) {
    const low = tf.mul(tf.matMul(masked(x, mask), a, false, true), scale); // [T, r]
    y = tf.add(y, tf.matMul(low as Tensor2D, b, false, true));
  }
  return [y];
}

/** dx = dy W + scale · ((dy B) A) ∘ mask */
export function linearInputGradientComposite(
  { dy, weight, a, b, mask }: Omit<LinearInputs, 'x' | 'bias'> & { readonly dy: Tensor2D },
  { scale }: LowRankScale,
): readonly [Tensor2D] {
  const dx: Tensor2D = tf.matMul(dy, weight); // [T, K]
  if (a === undefined || b === undefined) return [dx];
  const low: Tensor2D = tf.matMul(tf.mul(tf.matMul(dy, b), scale) as Tensor2D, a); // [T, K]
  return [tf.add(dx, masked(low, mask))];
}

/** dW = dyᵀ x */
export const linearWeightGradientComposite = ({
  dy,
  x,
}: {
  readonly dy: Tensor2D;
  readonly x: Tensor2D;
}): readonly [Tensor2D] => [tf.matMul(dy, x, true, false)];

/** dA = scale · (dy B)ᵀ (x ∘ mask), dB = scale · dyᵀ ((x ∘ mask) Aᵀ) */
export function linearLowRankGradientComposite(
  { dy, x, a, b, mask }: Required<Pick<LinearInputs, 'x'>> & { dy: Tensor2D; a: Tensor2D; b: Tensor2D; mask?: Tensor2D | undefined },
  { scale }: LowRankScale,
): readonly [Tensor2D, Tensor2D] {
  const input = masked(x, mask);
  const ofLow = tf.mul(tf.matMul(dy, b), scale) as Tensor2D; // [T, r]
  const low = tf.mul(tf.matMul(input, a, false, true), scale) as Tensor2D; // [T, r]
  return [tf.matMul(ofLow, input, true, false), tf.matMul(dy, low, true, false)];
}

const masked = (x: Tensor2D, mask: Tensor2D | undefined): Tensor2D => (mask === undefined ? x : tf.mul(x, mask));
