// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

export interface SegmentSumInputs {
  readonly values: Tensor1D; // [S]
  readonly response: Tensor1D; // [S] int32, ascending
}

/** Chooses rather than multiplies by one-hot rows: an infinite value stays in its own response. */
export function segmentSumComposite(
  { values, response }: SegmentSumInputs,
  { count }: { readonly count: number },
): readonly [Tensor1D] {
  const responses = tf.tensor2d(
    Int32Array.from({ length: count }, (_, r) => r),
    [count, 1],
    'int32',
  );
  const belongs = tf.equal(responses, tf.expandDims(response, 0)); // [R, S]
  const chosen = tf.where(belongs, tf.expandDims(values, 0), tf.zeros([count, values.size])) as Tensor2D;
  return [tf.sum(chosen, 1)];
}
