// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';

/** The values in ascending order, [n] → [n]; gradients go back to where each value came from. Nothing is read. */
export function sortAscending(values: Tensor1D): Tensor1D {
  const op = tf.customGrad((x, save) => {
    const order = ascendingOrder(x as Tensor1D); // [n] int32
    save([order]);
    return {
      value: tf.gather(x as Tensor1D, order),
      // The inverse of a permutation is the order that sorts it.
      gradFunc: (dy: Tensor1D, [saved]) => tf.gather(dy, ascendingOrder(tf.cast(saved as Tensor1D, 'float32'))),
    };
  });
  return op(values) as Tensor1D;
}

const ascendingOrder = (values: Tensor1D) => tf.topk(tf.neg(values), values.shape[0], true).indices as Tensor1D;
