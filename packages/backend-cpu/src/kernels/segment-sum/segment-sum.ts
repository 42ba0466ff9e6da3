// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

export const segmentSumKernel = defineKernel<
  { readonly values: TensorInfo; readonly response: TensorInfo },
  { readonly count: number }
>({
  kernelName: kernels.segmentSum,
  run({ values, response }, { count }, backend) {
    const y = backend.output([count]);
    const arrays = [backend.floats(values), backend.integers(response), y.values] as const;
    backend.kernels['segment_sum']!(values.shape[0]!, count, ...arrays);
    return y.info;
  },
});
