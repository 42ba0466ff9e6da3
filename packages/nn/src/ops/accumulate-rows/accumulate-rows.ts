// SPDX-License-Identifier: Apache-2.0
import type { NamedTensorMap, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';

/**
 * accumulator [V, C] += the sums of rows [T, C] by their ids [T], in place: what `accumulate` gives of the embedding's
 * gradient, to the bit, without a table of zeros.
 *
 * @returns false, and nothing is changed, where the backend has no such kernel or somebody else holds the buffer
 */
export function accumulateRows(accumulator: Tensor2D, rows: Tensor2D, ids: Tensor1D): boolean {
  const isOwn = tf.engine().backend.refCount(accumulator.dataId) === 1;
  if (!isOwn || tf.getKernel(kernels.accumulateRows, tf.getBackend()) === undefined) return false;
  tf.engine().runKernel(kernels.accumulateRows, { accumulator, rows, ids } as unknown as NamedTensorMap);
  return true;
}
