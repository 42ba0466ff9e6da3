// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@llmf/nn';
import { tf } from '@llmf/nn';
import { withGradient } from './with-gradient.js';

/** The values in ascending order, [n] → [n]; gradients go back to where each value came from. Nothing is read. */
export function sortAscending(values: Tensor1D): Tensor1D {
  return withGradient(values, (x, save) => {
    const order = ascendingOrder(x); // [n] int32
    save([order]);
    return {
      value: tf.gather(x, order),
      // The inverse of a permutation is the order that sorts it.
      gradFunc: (dy, [saved]) => tf.gather(dy, ascendingOrder(tf.cast(saved!, 'float32'))),
    };
  });
}

const ascendingOrder = (values: Tensor1D) => tf.topk(tf.neg(values), values.shape[0], true).indices as Tensor1D;
