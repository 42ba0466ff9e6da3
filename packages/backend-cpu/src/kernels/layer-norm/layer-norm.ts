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

const layerNorm = defineKernel<NormInputs & { readonly bias: TensorInfo }, NormAttributes>({
  kernelName: kernels.layerNorm,
  run({ x, weight, bias }, { epsilon }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const y = backend.output(x.shape);
    backend.kernels.layerNorm({
      rows,
      columns,
      epsilon,
      x: backend.floats(x),
      weight: backend.floats(weight),
      bias: backend.floats(bias),
      y: y.values,
    });
    return y.info;
  },
});

const layerNormGradient = defineKernel<
  NormInputs & { readonly dy: TensorInfo },
  NormAttributes & { wantsWeight: boolean }
>({
  kernelName: kernels.layerNormGradient,
  run({ dy, x, weight }, { epsilon, wantsWeight }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const dx = backend.output(x.shape);
    const [dWeight, dBias] = [0, 1].map(() => backend.output(wantsWeight ? [columns] : [0]));
    backend.kernels.layerNormGradient({
      rows,
      columns,
      epsilon,
      dy: backend.floats(dy),
      x: backend.floats(x),
      weight: backend.floats(weight),
      dx: dx.values,
      dWeight: wantsWeight ? dWeight!.values : null,
      dBias: wantsWeight ? dBias!.values : null,
    });
    return [dx.info, dWeight!.info, dBias!.info];
  },
});

export const layerNormKernels = [layerNorm, layerNormGradient];
