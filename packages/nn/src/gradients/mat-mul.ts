// SPDX-License-Identifier: Apache-2.0
/** Y = A B with either factor transposed: dA = dY Bᵀ, dB = Aᵀ dY, written for each of the four cases. */
import { tf } from '../tfjs.js';
import type { Tensor } from '@tensorflow/tfjs-core';
import { defineGradient, unbroadcast } from './define-gradient.js';

type Product = (dy: Tensor, a: Tensor, b: Tensor) => Tensor;

/** Keyed by transposeA, transposeB. */
const byA: Record<string, Product> = {
  'false,false': (dy, _, b) => tf.matMul(dy, b, false, true),
  'false,true': (dy, _, b) => tf.matMul(dy, b, false, false),
  'true,false': (dy, _, b) => tf.matMul(b, dy, false, true),
  'true,true': (dy, _, b) => tf.matMul(b, dy, true, true),
};
const byB: Record<string, Product> = {
  'false,false': (dy, a) => tf.matMul(a, dy, true, false),
  'false,true': (dy, a) => tf.matMul(dy, a, true, false),
  'true,false': (dy, a) => tf.matMul(a, dy, false, false),
  'true,true': (dy, a) => tf.matMul(dy, a, true, true),
};

export function registerMatMul(): void {
  defineGradient<{ transposeA: boolean; transposeB: boolean }>({
    kernel: 'BatchMatMul',
    inputs: ['a', 'b'],
    gradient: (dy, [a, b], { transposeA, transposeB }) => {
      const form = `${transposeA},${transposeB}`;
      return {
        a: () => unbroadcast(byA[form]!(dy, a!, b!), a!),
        b: () => unbroadcast(byB[form]!(dy, a!, b!), b!),
      };
    },
  });
}
