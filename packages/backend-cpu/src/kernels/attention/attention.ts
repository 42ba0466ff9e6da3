// SPDX-License-Identifier: Apache-2.0
import { kernels, type AttentionAttributes } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { attentionShapeOf } from './shape.js';

interface AttentionInputs {
  readonly q: TensorInfo; // [Tq, H, D]
  readonly k: TensorInfo; // [Tk, G, D]
  readonly v: TensorInfo; // [Tk, G, D]
  readonly bias?: TensorInfo; // [H, N]
}

export const attentionKernel = defineKernel<AttentionInputs, AttentionAttributes>({
  kernelName: kernels.attention,
  run({ q, k, v, bias }, attributes, backend) {
    const out = backend.output(q.shape);
    const logSumExp = backend.output(q.shape.slice(0, 2));
    backend.kernels.attention({
      ...attentionShapeOf(q, k, bias, attributes, backend),
      q: backend.floats(q),
      k: backend.floats(k),
      v: backend.floats(v),
      out: out.values,
      logSumExp: logSumExp.values,
    });
    return [out.info, logSumExp.info];
  },
});
