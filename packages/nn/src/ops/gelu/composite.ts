// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** exact: x Φ(x); tanh: its approximation in GPT-2; quick: x σ(1.702 x). */
export type GeluForm = 'exact' | 'tanh' | 'quick';
export interface GeluAttributes {
  readonly form: GeluForm;
}

const rootTwoOverPi = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;
const quick = 1.702;

export const geluComposite = ({ x }: { readonly x: Tensor }, { form }: GeluAttributes): readonly [Tensor] => [
  tf.mul(x, shareOf[form](x)),
];

/** With y = x s(x): dx = dy (s + x s′). */
export const geluGradientComposite = (
  { dy, x }: { readonly dy: Tensor; readonly x: Tensor },
  { form }: GeluAttributes,
): readonly [Tensor] => [tf.mul(dy, tf.add(shareOf[form](x), tf.mul(x, slopeOf[form](x))))];

/** s(x), the share of x that passes. */
const shareOf: Record<GeluForm, (x: Tensor) => Tensor> = {
  exact: (x) => tf.add(tf.mul(tf.erf(tf.mul(x, Math.SQRT1_2)), 0.5), 0.5),
  tanh: (x) => tf.add(tf.mul(tf.tanh(inner(x)), 0.5), 0.5),
  quick: (x) => tf.sigmoid(tf.mul(x, quick)),
};

const slopeOf: Record<GeluForm, (x: Tensor) => Tensor> = {
  exact: (x) => tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI)), // φ(x)
  tanh: (x) => {
    const slope = tf.mul(tf.add(tf.mul(tf.square(x), 3 * cubic), 1), rootTwoOverPi / 2);
    return tf.mul(tf.sub(1, tf.square(tf.tanh(inner(x)))), slope);
  },
  quick: (x) => {
    const sigmoid = tf.sigmoid(tf.mul(x, quick));
    return tf.mul(tf.mul(sigmoid, tf.sub(1, sigmoid)), quick);
  },
};

/** √(2/π) (x + 0.044715 x³) */
const inner = (x: Tensor): Tensor => tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), cubic), 1)), rootTwoOverPi);
