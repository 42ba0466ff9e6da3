// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

/** In place. */
export const accumulateKernel = defineKernel<{ readonly accumulator: TensorInfo; readonly value: TensorInfo }>({
  kernelName: kernels.accumulate,
  run({ accumulator, value }, _, backend) {
    const sums = backend.ownFloats(accumulator);
    backend.kernels.accumulate({ count: sums.length, accumulator: sums, value: backend.floats(value) });
    return [];
  },
});
