// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface AdamWInputs {
  readonly parameter: TensorInfo;
  readonly gradient: TensorInfo;
  readonly m: TensorInfo;
  readonly v: TensorInfo;
  readonly scale?: TensorInfo;
}
interface AdamWAttributes {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  readonly step: number;
}

/** In place. */
export const adamwKernel = defineKernel<AdamWInputs, AdamWAttributes>({
  kernelName: kernels.adamw,
  run({ parameter, gradient, m, v, scale }, attributes, backend) {
    const values = backend.ownFloats(parameter);
    backend.kernels['adamw']!(
      values.length,
      attributes.learningRate,
      attributes.beta1,
      attributes.beta2,
      attributes.epsilon,
      attributes.weightDecay,
      attributes.step,
      values,
      backend.floats(gradient),
      backend.ownFloats(m),
      backend.ownFloats(v),
      backend.optionalFloats(scale),
    );
    return [];
  },
});
