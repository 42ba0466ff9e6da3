// SPDX-License-Identifier: Apache-2.0
/**
 * Derivatives of elementwise functions (DLMF chapters 4 and 7; at kinks the value of the side towards zero slope):
 * each entry gives dx from dy and either x (`fromInput`) or y = f(x) (`fromOutput`).
 */
import { tf } from '../tfjs.js';
import type { Tensor } from '@tensorflow/tfjs-core';
import { defineGradient } from './define-gradient.js';

type Rule = (dy: Tensor, value: Tensor) => Tensor;

const one = (x: Tensor, sign: 1 | -1) => tf.add(tf.mul(sign, tf.square(x)), 1); // 1 ± x²

const fromInput: Record<string, Rule> = {
  Abs: (dy, x) => tf.mul(dy, tf.sign(x)),
  Acos: (dy, x) => tf.neg(tf.div(dy, tf.sqrt(one(x, -1)))),
  Acosh: (dy, x) => tf.div(dy, tf.sqrt(tf.sub(tf.square(x), 1))),
  Asin: (dy, x) => tf.div(dy, tf.sqrt(one(x, -1))),
  Asinh: (dy, x) => tf.div(dy, tf.sqrt(one(x, 1))),
  Atan: (dy, x) => tf.div(dy, one(x, 1)),
  Atanh: (dy, x) => tf.div(dy, one(x, -1)),
  Cos: (dy, x) => tf.neg(tf.mul(dy, tf.sin(x))),
  Cosh: (dy, x) => tf.mul(dy, tf.sinh(x)),
  Erf: (dy, x) => tf.mul(dy, tf.mul(2 / Math.sqrt(Math.PI), tf.exp(tf.neg(tf.square(x))))),
  Expm1: (dy, x) => tf.mul(dy, tf.exp(x)),
  Log: (dy, x) => tf.div(dy, x),
  Log1p: (dy, x) => tf.div(dy, tf.add(x, 1)),
  Neg: (dy) => tf.neg(dy),
  Reciprocal: (dy, x) => tf.neg(tf.div(dy, tf.square(x))),
  Relu: (dy, x) => tf.mul(dy, tf.step(x)),
  Relu6: (dy, x) => tf.mul(dy, tf.mul(tf.step(x), tf.step(tf.sub(6, x)))),
  Sin: (dy, x) => tf.mul(dy, tf.cos(x)),
  Sinh: (dy, x) => tf.mul(dy, tf.cosh(x)),
  Softplus: (dy, x) => tf.mul(dy, tf.sigmoid(x)),
  Square: (dy, x) => tf.mul(dy, tf.mul(x, 2)),
  Tan: (dy, x) => tf.div(dy, tf.square(tf.cos(x))),
};

const fromOutput: Record<string, Rule> = {
  Elu: (dy, y) => tf.mul(dy, tf.minimum(tf.add(y, 1), 1)), // eˣ = y + 1 below zero
  Exp: (dy, y) => tf.mul(dy, y),
  Rsqrt: (dy, y) => tf.mul(dy, tf.mul(-0.5, tf.mul(y, tf.square(y)))),
  Sigmoid: (dy, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y))),
  Sqrt: (dy, y) => tf.div(dy, tf.mul(y, 2)),
  Tanh: (dy, y) => tf.mul(dy, one(y, -1)),
};

/** Piecewise constant: no gradient passes. */
const steps = ['Ceil', 'Floor', 'OnesLike', 'Round', 'Sign', 'Step', 'ZerosLike'];

export function registerElementwise(): void {
  for (const [kernel, rule] of Object.entries(fromInput)) {
    defineGradient({ kernel, inputs: ['x'], gradient: (dy, [x]) => ({ x: () => rule(dy, x!) }) });
  }
  for (const [kernel, rule] of Object.entries(fromOutput)) {
    defineGradient({ kernel, outputs: [true], gradient: (dy, [y]) => ({ x: () => rule(dy, y!) }) });
  }
  for (const kernel of steps) defineGradient({ kernel, gradient: (dy) => ({ x: () => tf.zerosLike(dy) }) });
  for (const kernel of ['Identity', 'Cast']) {
    defineGradient({ kernel, gradient: (dy) => ({ x: () => tf.cast(dy, 'float32') }) });
  }
  defineGradient<{ clipValueMin: number; clipValueMax: number }>({
    kernel: 'ClipByValue',
    inputs: ['x'],
    gradient: (dy, [x], { clipValueMin, clipValueMax }) => ({
      x: () => {
        const inside = tf.logicalAnd(tf.greaterEqual(x!, clipValueMin), tf.lessEqual(x!, clipValueMax));
        return tf.where(inside, dy, tf.zerosLike(dy));
      },
    }),
  });
  defineGradient<{ alpha: number }>({
    kernel: 'LeakyRelu',
    inputs: ['x'],
    gradient: (dy, [x], { alpha }) => ({ x: () => tf.mul(dy, tf.step(x!, alpha)) }),
  });
}
