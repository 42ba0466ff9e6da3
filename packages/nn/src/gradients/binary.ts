// SPDX-License-Identifier: Apache-2.0
/** Derivatives of functions of two broadcast operands a and b: each rule gives [∂f/∂a, ∂f/∂b] times dy. */
import { tf } from '../tfjs.js';
import type { Tensor } from '@tensorflow/tfjs-core';
import { defineGradient, unbroadcast } from './define-gradient.js';

type Rule = (dy: Tensor, a: Tensor, b: Tensor) => Tensor;

const rules: Record<string, readonly [Rule, Rule]> = {
  Add: [(dy) => dy, (dy) => dy],
  Sub: [(dy) => dy, (dy) => tf.neg(dy)],
  Multiply: [(dy, _, b) => tf.mul(dy, b), (dy, a) => tf.mul(dy, a)],
  RealDiv: [(dy, _, b) => tf.div(dy, b), (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.square(b)))],
  // Equal operands: the gradient is a's, as in tfjs and TensorFlow.
  Maximum: [
    (dy, a, b) => tf.mul(dy, tf.cast(tf.greaterEqual(a, b), 'float32')),
    (dy, a, b) => tf.mul(dy, tf.cast(tf.less(a, b), 'float32')),
  ],
  Minimum: [
    (dy, a, b) => tf.mul(dy, tf.cast(tf.lessEqual(a, b), 'float32')),
    (dy, a, b) => tf.mul(dy, tf.cast(tf.greater(a, b), 'float32')),
  ],
  Pow: [
    (dy, a, b) => tf.mul(dy, tf.mul(b, tf.pow(a, tf.sub(b, 1)))),
    // aᵇ ln a; 0 where a ≤ 0, where aᵇ has no derivative by b.
    (dy, a, b) => {
      const logarithm = tf.where(tf.greater(a, 0), tf.log(tf.maximum(a, 1e-38)), tf.zerosLike(a));
      return tf.mul(dy, tf.mul(tf.pow(a, b), logarithm));
    },
  ],
  SquaredDifference: [
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(a, b))),
    (dy, a, b) => tf.mul(dy, tf.mul(2, tf.sub(b, a))),
  ],
  Atan2: [
    (dy, a, b) => tf.div(tf.mul(dy, b), tf.add(tf.square(a), tf.square(b))),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, a), tf.add(tf.square(a), tf.square(b)))),
  ],
  FloorDiv: [(dy) => tf.zerosLike(dy), (dy) => tf.zerosLike(dy)],
  Mod: [(dy) => dy, (dy, a, b) => tf.neg(tf.mul(dy, tf.floor(tf.div(a, b))))],
};

export function registerBinary(): void {
  for (const [kernel, [byA, byB]] of Object.entries(rules)) {
    defineGradient({
      kernel,
      inputs: ['a', 'b'],
      gradient: (dy, [a, b]) => ({
        a: () => unbroadcast(byA(dy, a!, b!), a!),
        b: () => unbroadcast(byB(dy, a!, b!), b!),
      }),
    });
  }
  defineGradient({
    kernel: 'AddN',
    inputs: 'all',
    gradient: (dy, saved) => Object.fromEntries(saved.map((_, index) => [String(index), () => tf.clone(dy)])),
  });
}
