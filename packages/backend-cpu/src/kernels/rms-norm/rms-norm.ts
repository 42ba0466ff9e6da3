// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface NormInputs {
  readonly x: TensorInfo; // [T, C]
  readonly weight: TensorInfo; // [C]
}
interface NormAttributes {
  readonly epsilon: number;
}

const rmsNorm = defineKernel<NormInputs, NormAttributes>({
  kernelName: kernels.rmsNorm,
  run({ x, weight }, { epsilon }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const y = backend.output(x.shape);
    backend.kernels.rmsNorm({
      rows,
      columns,
      epsilon,
      x: backend.floats(x),
      weight: backend.floats(weight),
      y: y.values,
    });
    return y.info;
  },
});

const rmsNormGradient = defineKernel<
  NormInputs & { readonly dy: TensorInfo },
  NormAttributes & { wantsWeight: boolean }
>({
  kernelName: kernels.rmsNormGradient,
  run({ dy, x, weight }, { epsilon, wantsWeight }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const dx = backend.output(x.shape);
    const dWeight = backend.output(wantsWeight ? [columns] : [0]);
    backend.kernels.rmsNormGradient({
      rows,
      columns,
      epsilon,
      dy: backend.floats(dy),
      x: backend.floats(x),
      weight: backend.floats(weight),
      dx: dx.values,
      dWeight: wantsWeight ? dWeight.values : null,
    });
    return [dx.info, dWeight.info];
  },
});

export const rmsNormKernels = [rmsNorm, rmsNormGradient];
