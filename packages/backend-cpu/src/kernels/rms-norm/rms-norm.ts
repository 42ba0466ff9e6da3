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
    backend.kernels['rms_norm']!(rows, columns, epsilon, backend.floats(x), backend.floats(weight), y.values);
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
    backend.kernels['rms_norm_gradient']!(
      rows,
      columns,
      epsilon,
      backend.floats(dy),
      backend.floats(x),
      backend.floats(weight),
      dx.values,
      wantsWeight ? dWeight.values : null,
    );
    return [dx.info, dWeight.info];
  },
});

export const rmsNormKernels = [rmsNorm, rmsNormGradient];
