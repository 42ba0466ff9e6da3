// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

/** tfjs's own divides by the number of values; the sum over none of them is 0. */
const emptySum = defineKernel<
  { readonly x: TensorInfo },
  { readonly axis: number | number[]; readonly keepDims: boolean }
>({
  kernelName: tf.Sum,
  accepts: ({ x }) => tf.util.sizeFromShape(x.shape) === 0,
  run({ x }, { axis, keepDims }, backend) {
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const [shape] = tf.backend_util.computeOutAndReduceShapes(x.shape, axes);
    return backend.zeros(keepDims ? tf.backend_util.expandShapeToKeepDim(shape, axes) : shape);
  },
});

export const sumKernels = [emptySum];
