// SPDX-License-Identifier: Apache-2.0
import { kernels, type AttentionAttributes } from '@llmf/nn';
import { attentionShape } from '../attention/shape.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface AttentionGradientInputs {
  readonly dy: TensorInfo; // [Tq, H, D]
  readonly q: TensorInfo;
  readonly k: TensorInfo; // [Tk, G, D]
  readonly v: TensorInfo;
  readonly out: TensorInfo; // [Tq, H, D]
  readonly logSumExp: TensorInfo; // [Tq, H]
}

export const attentionGradientKernel = defineKernel<AttentionGradientInputs, AttentionAttributes>({
  kernelName: kernels.attentionGradient,
  run({ dy, q, k, v, out, logSumExp }, attributes, backend) {
    const gradients = [q, k, v].map(({ shape }) => backend.output(shape));
    backend.kernels['attention_gradient']!(
      ...attentionShape(q, k, attributes),
      ...[dy, q, k, v, out, logSumExp].map((input) => backend.floats(input)),
      ...gradients.map(({ values }) => values),
      backend.roundsProducts,
    );
    return gradients.map(({ info }) => info);
  },
});
