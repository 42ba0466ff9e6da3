// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface SwigluInputs {
  readonly gate: TensorInfo;
  readonly up: TensorInfo;
}

const swiglu = defineKernel<SwigluInputs>({
  kernelName: kernels.swiglu,
  run({ gate, up }, _, backend) {
    const y = backend.output(gate.shape);
    backend.kernels['swiglu']!(y.values.length, backend.floats(gate), backend.floats(up), y.values);
    return y.info;
  },
});

const swigluGradient = defineKernel<SwigluInputs & { readonly dy: TensorInfo }>({
  kernelName: kernels.swigluGradient,
  run({ dy, gate, up }, _, backend) {
    const [dGate, dUp] = [backend.output(gate.shape), backend.output(gate.shape)];
    const arrays = [backend.floats(dy), backend.floats(gate), backend.floats(up), dGate.values, dUp.values] as const;
    backend.kernels['swiglu_gradient']!(dGate.values.length, ...arrays);
    return [dGate.info, dUp.info];
  },
});

export const swigluKernels = [swiglu, swigluGradient];
