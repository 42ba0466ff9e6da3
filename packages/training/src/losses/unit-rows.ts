// SPDX-License-Identifier: Apache-2.0
import { tf, type Tensor2D } from '@llmf/nn';

/** x / ‖x‖ by rows, [N, C]; a row of zeros stays (torch's normalize: ε = 1e-12). */
export function unitRows(x: Tensor2D): Tensor2D {
  const length = tf.sqrt(tf.sum<Tensor2D>(tf.square(x), 1, true));
  return tf.div<Tensor2D>(x, tf.maximum(length, 1e-12));
}
