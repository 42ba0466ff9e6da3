// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type NativeBackend, type TensorInfo } from '../define-kernel.js';

interface Combined {
  readonly rows: TensorInfo; // [T · k, C]
  readonly weights: TensorInfo; // [T, k]
  readonly places: TensorInfo; // [T · k]
}

const combineExperts = defineKernel<Combined>({
  kernelName: kernels.combineExperts,
  run(combined, _, backend) {
    const values = valuesOf(combined, backend);
    const y = backend.output([values.tokens, values.columns]);
    backend.kernels.combineExperts({ ...values, y: y.values });
    return y.info;
  },
});

const combineExpertsGradient = defineKernel<Combined & { readonly dy: TensorInfo }>({
  kernelName: kernels.combineExpertsGradient,
  run({ dy, ...combined }, _, backend) {
    const [dRows, dWeights] = [backend.output(combined.rows.shape), backend.output(combined.weights.shape)];
    backend.kernels.combineExpertsGradient({
      ...valuesOf(combined, backend),
      dy: backend.floats(dy),
      dRows: dRows.values,
      dWeights: dWeights.values,
    });
    return [dRows.info, dWeights.info];
  },
});

export const combineExpertsKernels = [combineExperts, combineExpertsGradient];

const valuesOf = ({ rows, weights, places }: Combined, backend: NativeBackend) => ({
  tokens: weights.shape[0]!,
  perToken: weights.shape[1]!,
  columns: rows.shape[1]!,
  rows: backend.floats(rows),
  weights: backend.floats(weights),
  places: backend.integers(places),
});
