// SPDX-License-Identifier: Apache-2.0
import type { Model } from '../contracts/model.js';
import { linear } from '../ops/linear/linear.js';
import { tf } from '../tf.js';

/** The language-model head on some rows of the hidden states [T, C]: [rows, V]. */
export function logitsOf(model: Model, hidden: tf.Tensor2D, rows: readonly number[] | Int32Array): tf.Tensor2D {
  return tf.tidy(() => {
    const chosen = tf.gather(hidden, tf.tensor1d(Int32Array.from(rows), 'int32')); // [rows, C]
    return linear(chosen, model.head.weight, { bias: model.head.bias });
  });
}
