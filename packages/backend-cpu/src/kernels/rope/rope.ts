// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface RopeInputs {
  readonly x: TensorInfo; // [T, H, D]
  readonly cos: TensorInfo; // [T, R/2]
  readonly sin: TensorInfo; // [T, R/2]
}

export const ropeKernel = defineKernel<RopeInputs, { readonly inverse: boolean; readonly interleaved: boolean }>({
  kernelName: kernels.rope,
  run({ x, cos, sin }, { inverse, interleaved }, backend) {
    const [tokens, heads, size] = x.shape as [number, number, number];
    const y = backend.output(x.shape);
    backend.kernels.rope({
      tokens,
      heads,
      size,
      half: cos.shape[1]!,
      inverse,
      interleaved,
      x: backend.floats(x),
      cosines: backend.floats(cos),
      sines: backend.floats(sin),
      y: y.values,
    });
    return y.info;
  },
});
