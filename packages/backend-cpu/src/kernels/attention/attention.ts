// SPDX-License-Identifier: Apache-2.0
import { kernels, type AttentionAttributes } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { attentionShape } from './shape.js';

interface AttentionInputs {
  readonly q: TensorInfo; // [Tq, H, D]
  readonly k: TensorInfo; // [Tk, G, D]
  readonly v: TensorInfo; // [Tk, G, D]
}

export const attentionKernel = defineKernel<AttentionInputs, AttentionAttributes>({
  kernelName: kernels.attention,
  run({ q, k, v }, attributes, backend) {
    const out = backend.output(q.shape);
    const logSumExp = backend.output(q.shape.slice(0, 2));
    const inputs = [backend.floats(q), backend.floats(k), backend.floats(v)] as const;
    const outputs = [out.values, logSumExp.values] as const;
    backend.kernels['attention']!(...attentionShape(q, k, attributes), ...inputs, ...outputs, backend.roundsProducts);
    return [out.info, logSumExp.info];
  },
});
