// SPDX-License-Identifier: Apache-2.0
import type { Scalar, Tensor, Variable } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

export interface AdamWParameter {
  readonly parameter: Variable;
  readonly gradient: Tensor;
  readonly m: Variable;
  readonly v: Variable;
  readonly weightDecay: number;
}
export interface AdamWAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** t of the formula, from 1. */
  readonly step: number;
}

/** Loshchilov & Hutter 2019, algorithm 2, in torch.optim.AdamW's order; assigns parameter, m and v. */
export function adamwComposite(inputs: AdamWParameter, attributes: AdamWAttributes, scale?: Scalar): void {
  const { parameter, m, v, weightDecay } = inputs;
  const { learningRate, beta1, beta2, epsilon, step } = attributes;
  tf.tidy(() => {
    const gradient = scale === undefined ? inputs.gradient : tf.mul(inputs.gradient, scale);
    m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
    v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
    const root = tf.div(tf.sqrt(v), Math.sqrt(1 - beta2 ** step));
    const update = tf.mul(tf.div(m, tf.add(root, epsilon)), learningRate / (1 - beta1 ** step));
    const decayed = weightDecay === 0 ? parameter : tf.mul(parameter, 1 - learningRate * weightDecay);
    parameter.assign(tf.sub(decayed, update));
  });
}
