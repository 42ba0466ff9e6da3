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
    const arrays = [backend.floats(x), backend.floats(weight), backend.floats(bias), y.values] as const;
    backend.kernels['layer_norm']!(rows, columns, epsilon, ...arrays);
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
    backend.kernels['layer_norm_gradient']!(
      rows,
      columns,
      epsilon,
      backend.floats(dy),
      backend.floats(x),
      backend.floats(weight),
      dx.values,
      wantsWeight ? dWeight!.values : null,
      wantsWeight ? dBias!.values : null,
    );
    return [dx.info, dWeight!.info, dBias!.info];
  },
});

export const layerNormKernels = [layerNorm, layerNormGradient];
