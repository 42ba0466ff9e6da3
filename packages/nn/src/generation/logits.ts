// SPDX-License-Identifier: Apache-2.0
import type { ForwardContext, Model } from '../contracts/model.js';
import { headLogits } from '../modules/read-head.js';
import { headOf } from '../modules/replaced-modules.js';
import { tf } from '../tf.js';

/** A pass without an adapter. */
export const plainPass: ForwardContext = {
  segments: [],
  positions: new Int32Array(0),
  adapter: null,
  training: false,
  randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
  gradientCheckpointing: false,
};

/**
 * The language-model head on some rows of the hidden states [T, C]: [rows, V].
 * @param context of the pass that gave the hidden states, where the head has layers that an adapter reaches
 */
export function logitsOf(
  model: Model,
  hidden: tf.Tensor2D,
  rows: readonly number[] | Int32Array,
  context: ForwardContext = plainPass,
): tf.Tensor2D {
  return tf.tidy(() => headLogits(headOf(model, context.adapter), hidden, rows, context));
}
