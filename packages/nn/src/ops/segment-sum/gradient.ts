// SPDX-License-Identifier: Apache-2.0
import { kernels } from '../../contracts/ops.js';
import { tf } from '../../tf.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { segmentSumComposite } from './composite.js';
const segmentSumKernel = defineKernel(kernels.segmentSum, segmentSumComposite);

/** Each value's gradient is that of its response's sum. */
export const segmentSumOp = defineOp(segmentSumKernel, {
  differentiable: ['values'],
  save: ({ response }) => ({ response }),
  gradient: ({ dys: [dy], saved: { response } }) => ({ values: tf.gather(dy!, response) }),
});
