// SPDX-License-Identifier: Apache-2.0
import type { ActiveAdapter, Model } from '../contracts/model.js';
import { linear } from '../ops/linear/linear.js';
import { tf } from '../tf.js';

/** The language-model head on some rows of the hidden states [T, C]: [rows, V]. */
export function logitsOf(
  model: Model,
  hidden: tf.Tensor2D,
  rows: readonly number[] | Int32Array,
  adapter: ActiveAdapter | null = null,
): tf.Tensor2D {
  return tf.tidy(() => {
    const { weight, bias, transform } = model.head;
    const chosen = tf.gather(hidden, tf.tensor1d(Int32Array.from(rows), 'int32')); // [rows, C]
    const randomKey = { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 };
    return linear(transform?.(chosen, { adapter, training: false, randomKey }) ?? chosen, weight, { bias });
  });
}
