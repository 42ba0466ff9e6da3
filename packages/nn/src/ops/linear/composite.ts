// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { times, timesTransposed, transposedTimes } from '../products.js';

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
export interface LinearAttributes {
  readonly scale: number;
  /** The low-rank image of the input is wanted as well; composites have none to give. */
  readonly keeps: boolean;
}

/** y = x Wᵀ + bias + scale · ((x ∘ mask) Aᵀ) Bᵀ */
export function linearComposite(
  { x, weight, bias, a, b, mask }: LinearInputs,
  { scale }: LinearAttributes,
): readonly Tensor2D[] {
  let y: Tensor2D = timesTransposed(x, weight); // [T, N]
  if (bias !== undefined) y = tf.add(y, bias);
  if (a !== undefined && b !== undefined) {
    const low = tf.mul(timesTransposed(masked(x, mask), a), scale); // [T, r]
    y = tf.add(y, timesTransposed(low as Tensor2D, b));
  }
  return [y];
}

/** dx = dy W + scale · ((dy B) A) ∘ mask */
export function linearInputGradientComposite(
  { dy, weight, a, b, mask }: Omit<LinearInputs, 'x' | 'bias'> & { readonly dy: Tensor2D },
  { scale }: LinearAttributes,
): readonly Tensor2D[] {
  const dx = times(dy, weight); // [T, K]
  if (a === undefined || b === undefined) return [dx];
  const low = times(tf.mul(times(dy, b), scale) as Tensor2D, a); // [T, K]
  return [tf.add(dx, masked(low, mask))];
}

/** dW = dyᵀ x */
export const linearWeightGradientComposite = ({
  dy,
  x,
}: {
  readonly dy: Tensor2D;
  readonly x: Tensor2D;
}): readonly [Tensor2D] => [transposedTimes(dy, x)];

export interface LowRankGradientInputs {
  readonly dy: Tensor2D;
  readonly x: Tensor2D;
  readonly a: Tensor2D;
  readonly b: Tensor2D;
  readonly mask?: Tensor2D | undefined;
  /** scale · x Aᵀ and scale · dy B, where a kernel gave them away: [T, r]. */
  readonly xImage?: Tensor2D | undefined;
  readonly dyImage?: Tensor2D | undefined;
}

/** dA = scale · (dy B)ᵀ (x ∘ mask), dB = scale · dyᵀ ((x ∘ mask) Aᵀ) */
export function linearLowRankGradientComposite(
  { dy, x, a, b, mask }: LowRankGradientInputs,
  { scale }: Pick<LinearAttributes, 'scale'>,
): readonly [Tensor2D, Tensor2D] {
  const input = masked(x, mask);
  const ofLow = tf.mul(times(dy, b), scale) as Tensor2D; // [T, r]
  const low = tf.mul(timesTransposed(input, a), scale) as Tensor2D; // [T, r]
  return [transposedTimes(ofLow, input), transposedTimes(dy, low)];
}

const masked = (x: Tensor2D, mask: Tensor2D | undefined): Tensor2D => (mask === undefined ? x : tf.mul(x, mask));
