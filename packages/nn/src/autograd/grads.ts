// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { reverse } from './reverse.js';
import { Tape } from './tape.js';

/**
 * Value of `f` and its gradients with respect to tensors, through the lean reverse pass: for tests and small tools.
 * An input that the value does not depend on has gradient zero.
 *
 * @param dy gradient of the value, ones when left out
 */
export function grads<Inputs extends readonly Tensor[], Y extends Tensor>(
  f: (...inputs: Inputs) => Y,
): (inputs: Inputs, dy?: Tensor) => { value: Y; gradients: { [K in keyof Inputs]: Inputs[K] } } {
  return (inputs, dy) => {
    const tape = new Tape(inputs);
    const value = tape.run(() => tf.tidy('pass', () => f(...inputs)));
    const found = new Map<number, Tensor>();
    reverse(tape, value, dy === undefined ? tf.onesLike(value) : tf.clone(dy), (leaf, gradient) =>
      found.set(leaf.id, gradient),
    );
    const gradients = inputs.map((input) => found.get(input.id) ?? tf.zerosLike(input));
    return { value, gradients: gradients as { [K in keyof Inputs]: Inputs[K] } };
  };
}
