// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { errors } from '../errors.js';
import { tf } from '../tf.js';

/**
 * c · tanh(z / c), which keeps z within ±c (Gemma Team, "Gemma 2", 2024, section 2); z itself where the cap is 0.
 * Kernels that cap scores or logits compute it in this order.
 */
export function softCapped<X extends Tensor>(z: X, cap: number): X {
  return cap === 0 ? z : tf.mul(tf.tanh(tf.div(z, cap)), cap);
}

/** Its slope, given what it gave: 1 − (z / c)². */
export const softCapSlope = <X extends Tensor>(capped: X, cap: number): X =>
  tf.sub(1, tf.square(tf.div(capped, cap))) as X;

/** @throws LLMF_NN_VALUE */
export function checkSoftCap(op: string, cap: number): void {
  if (!(cap >= 0 && cap < Infinity)) {
    throw errors.value({ op, input: 'softCap', got: String(cap), expected: 'a positive number, or 0 for none' });
  }
}
