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
    backend.kernels.gelu({ count: y.values.length, form: forms[form], x: backend.floats(x), y: y.values });
    return y.info;
  },
});

const geluGradient = defineKernel<{ readonly dy: TensorInfo; readonly x: TensorInfo }, GeluAttributes>({
  kernelName: kernels.geluGradient,
  run({ dy, x }, { form }, backend) {
    const dx = backend.output(x.shape);
    backend.kernels.geluGradient({
      count: dx.values.length,
      form: forms[form],
      dy: backend.floats(dy),
      x: backend.floats(x),
      dx: dx.values,
    });
    return dx.info;
  },
});

export const geluKernels = [gelu, geluGradient];
