// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

/** Numbers as in gelu.cc. */
const forms = { exact: 0, tanh: 1, quick: 2 } as const;

interface GeluAttributes {
  readonly form: keyof typeof forms;
}

const gelu = defineKernel<{ readonly x: TensorInfo }, GeluAttributes>({
  kernelName: kernels.gelu,
  run({ x }, { form }, backend) {
    const y = backend.output(x.shape);
    backend.kernels['gelu']!(y.values.length, forms[form], backend.floats(x), y.values);
    return y.info;
  },
});

const geluGradient = defineKernel<{ readonly dy: TensorInfo; readonly x: TensorInfo }, GeluAttributes>({
  kernelName: kernels.geluGradient,
  run({ dy, x }, { form }, backend) {
    const dx = backend.output(x.shape);
    backend.kernels['gelu_gradient']!(dx.values.length, forms[form], backend.floats(dy), backend.floats(x), dx.values);
    return dx.info;
  },
});

export const geluKernels = [gelu, geluGradient];
