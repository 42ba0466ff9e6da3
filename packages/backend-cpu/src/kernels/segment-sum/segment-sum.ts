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
    backend.kernels.segmentSum({
      count: values.shape[0]!,
      segments: count,
      values: backend.floats(values),
      response: backend.integers(response),
      y: y.values,
    });
    return y.info;
  },
});
