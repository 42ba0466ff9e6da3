// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { columnProducts, columnSums } from '../column-products.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { groupSum, rowThreads } from '../reduction.js';

const shared = { workgroup: rowThreads, before: groupSum } as const;
const eachColumn = `for (var c = thread; c < n.columns; c += ${rowThreads}u)`;

const centre = `
  let start = group * n.columns;
  let width = f32(n.columns);
  var sum = 0.0;
  ${eachColumn} { sum += x[start + c]; }
  let mean = sumOf(thread, sum) / width;
  var squares = 0.0;
  ${eachColumn} { let d = x[start + c] - mean; squares += d * d; }
  let r = inverseSqrt(sumOf(thread, squares) / width + n.epsilon);`;

/** y = w ∘ n + b with n = (x − mean x) r, r = 1/√(var x + ε) */
const forward = defineProgram({
  ...shared,
  name: 'layer-norm',
  reads: { x: 'f32', weight: 'f32', bias: 'f32' },
  writes: { y: 'f32' },
  numbers: { columns: 'u32', epsilon: 'f32' },
  code: `${centre}
  ${eachColumn} { y[start + c] = (x[start + c] - mean) * r * weight[c] + bias[c]; }`,
});

/** g = w ∘ dy: dx = r (g − mean g − n mean(g ∘ n)); n for the weight's gradient */
const backward = defineProgram({
  ...shared,
  name: 'layer-norm-gradient',
  reads: { dy: 'f32', x: 'f32', weight: 'f32' },
  writes: { dx: 'f32', normalized: 'f32' },
  numbers: { columns: 'u32', epsilon: 'f32' },
  code: `${centre}
  var ofG = 0.0;
  var along = 0.0;
  ${eachColumn} {
    let g = dy[start + c] * weight[c];
    ofG += g;
    along += g * (x[start + c] - mean) * r;
  }
  let meanG = sumOf(thread, ofG) / width;
  let meanAlong = sumOf(thread, along) / width;
  ${eachColumn} {
    let value = (x[start + c] - mean) * r;
    normalized[start + c] = value;
    dx[start + c] = (dy[start + c] * weight[c] - meanG - value * meanAlong) * r;
  }`,
});

interface NormInputs {
  readonly x: TensorInfo; // [T, C]
  readonly weight: TensorInfo; // [C]
}

const layerNorm = defineKernel<NormInputs & { readonly bias: TensorInfo }, { readonly epsilon: number }>({
  kernelName: kernels.layerNorm,
  run({ x, weight, bias }, { epsilon }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const y = backend.output(x.shape);
    const call = { reads: { x, weight, bias }, writes: { y }, numbers: { columns, epsilon } };
    backend.runner.run(forward, { ...call, groups: rows, groupWork: 6 * columns });
    return y;
  },
});

const layerNormGradient = defineKernel<
  NormInputs & { readonly dy: TensorInfo },
  { readonly epsilon: number; readonly wantsWeight: boolean }
>({
  kernelName: kernels.layerNormGradient,
  run({ dy, x, weight }, { epsilon, wantsWeight }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const [dx, normalized] = [backend.output(x.shape), backend.output(x.shape)];
    const call = { reads: { dy, x, weight }, writes: { dx, normalized }, numbers: { columns, epsilon } };
    backend.runner.run(backward, { ...call, groups: rows, groupWork: 12 * columns });
    const ofWeight = wantsWeight
      ? [columnProducts(dy, normalized, backend), columnSums(dy, backend)]
      : [backend.output([0]), backend.output([0])];
    backend.disposeData(normalized.dataId);
    return [dx, ...ofWeight];
  },
});

export const layerNormKernels = [layerNorm, layerNormGradient];
