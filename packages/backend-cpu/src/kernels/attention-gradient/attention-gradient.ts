// SPDX-License-Identifier: Apache-2.0
import { kernels, type AttentionAttributes } from '@llmf/nn';
import { attentionShapeOf } from '../attention/shape.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface AttentionGradientInputs {
  readonly dy: TensorInfo; // [Tq, H, D]
  readonly q: TensorInfo;
  readonly k: TensorInfo; // [Tk, G, D]
  readonly v: TensorInfo;
  readonly bias?: TensorInfo; // [H, N]
  readonly out: TensorInfo; // [Tq, H, D]
  readonly logSumExp: TensorInfo; // [Tq, H]
}

export const attentionGradientKernel = defineKernel<
  AttentionGradientInputs,
  AttentionAttributes & { readonly wantsBias?: boolean }
>({
  kernelName: kernels.attentionGradient,
  run({ dy, q, k, v, bias, out, logSumExp }, attributes, backend) {
    const [dq, dk, dv] = [backend.output(q.shape), backend.output(k.shape), backend.output(v.shape)];
    const dBias = bias !== undefined && attributes.wantsBias === true ? backend.output(bias.shape) : null;
    backend.kernels.attentionGradient({
      ...attentionShapeOf(q, k, bias, attributes, backend),
      dy: backend.floats(dy),
      q: backend.floats(q),
      k: backend.floats(k),
      v: backend.floats(v),
      out: backend.floats(out),
      logSumExp: backend.floats(logSumExp),
      dq: dq.values,
      dk: dk.values,
      dv: dv.values,
      dBias: dBias?.values ?? null,
    });
    return dBias === null ? [dq.info, dk.info, dv.info] : [dq.info, dk.info, dv.info, dBias.info];
  },
});
