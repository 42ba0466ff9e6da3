// SPDX-License-Identifier: Apache-2.0
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { accumulateComposite } from './composite.js';

/**
 * accumulator + value, both given away: in place where the backend can and nobody else holds the buffer.
 *
 * @returns the sum, in the shape of both; `accumulator` itself or a new tensor
 */
export function accumulate(accumulator: Tensor, value: Tensor): Tensor {
  const isOwn = tf.engine().backend.refCount(accumulator.dataId) === 1;
  if (isOwn && tf.getKernel(kernels.accumulate, tf.getBackend()) !== undefined) {
    tf.engine().runKernel(kernels.accumulate, { accumulator, value } as unknown as NamedTensorMap);
    value.dispose();
    return accumulator;
  }
  const sum = accumulateComposite({ accumulator, value });
  accumulator.dispose();
  value.dispose();
  return tf.keep(sum);
}
