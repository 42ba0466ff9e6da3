// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@tensorflow/tfjs-core';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { checkShape, intTensor } from '../checks.js';
import { segmentSumOp } from './gradient.js';

/**
 * Sums of ragged runs: values [S], the response of each (ascending, 0 … count−1) → [count]; a response without values
 * sums to 0. Each sum adds its values in order.
 *
 * @throws LLMF_NN_SHAPE, LLMF_NN_INDEX, LLMF_NN_VALUE
 */
export function segmentSum(values: Tensor1D, response: Int32Array, count: number): Tensor1D {
  checkShape('segmentSum', 'values', values, [response.length], `[${response.length}], one per entry of response`);
  const descent = response.findIndex((r, s) => s > 0 && r < response[s - 1]!);
  if (descent !== -1) {
    const got = `${response[descent]} after ${response[descent - 1]} at ${descent}`;
    throw errors.value({ op: 'segmentSum', input: 'response', got, expected: 'ascending numbers' });
  }
  return tf.tidy(() => {
    const places = intTensor('segmentSum', 'response', response, count);
    if (response.length === 0) return tf.zeros([count]);
    return segmentSumOp({ values, response: places }, { count })[0];
  });
}
