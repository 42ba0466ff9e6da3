// SPDX-License-Identifier: Apache-2.0
import { kernels, type AdamWAttributes } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

/** parameter0, gradient0, m0, v0, parameter1, …, and scale where there is one. */
type AdamWInputs = Readonly<Record<string, TensorInfo>>;
interface Attributes extends AdamWAttributes {
  readonly weightDecays: readonly number[];
}

/** In place. */
export const adamwKernel = defineKernel<AdamWInputs, Attributes>({
  kernelName: kernels.adamw,
  run(inputs, { learningRate, beta1, beta2, epsilon, step, weightDecays }, backend) {
    const scale = backend.optionalFloats(inputs['scale']);
    for (const [index, weightDecay] of weightDecays.entries()) {
      const parameter = backend.ownFloats(inputs[`parameter${index}`]!);
      backend.kernels.adamw({
        count: parameter.length,
        learningRate,
        beta1,
        beta2,
        epsilon,
        weightDecay,
        step,
        parameter,
        gradient: backend.floats(inputs[`gradient${index}`]!),
        m: backend.ownFloats(inputs[`m${index}`]!),
        v: backend.ownFloats(inputs[`v${index}`]!),
        scale,
      });
    }
    return [];
  },
});
