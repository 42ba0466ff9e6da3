// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { columnProducts } from '../column-products.js';
import { groupSum, rowThreads } from '../reduction.js';

/** A group for each row; the columns of a thread follow one another at its distance. */
const shared = { workgroup: rowThreads, before: groupSum } as const;
const eachColumn = `for (var c = thread; c < n.columns; c += ${rowThreads}u)`;

const inverseRms = `
  let start = group * n.columns;
  var squares = 0.0;
  ${eachColumn} { squares += x[start + c] * x[start + c]; }
  let r = inverseSqrt(sumOf(thread, squares) / f32(n.columns) + n.epsilon);`;

/** y = w ∘ x r with r = 1/√(mean x² + ε) */
const forward = defineProgram({
  ...shared,
  name: 'rms-norm',
  reads: { x: 'f32', weight: 'f32' },
  writes: { y: 'f32' },
  numbers: { columns: 'u32', epsilon: 'f32' },
  code: `${inverseRms}
  ${eachColumn} { y[start + c] = x[start + c] * r * weight[c]; }`,
});

/** g = w ∘ dy: dx = r g − x r³ mean(g ∘ x); xr = x r, for the weight's gradient */
const backward = defineProgram({
  ...shared,
  name: 'rms-norm-gradient',
  reads: { dy: 'f32', x: 'f32', weight: 'f32' },
  writes: { dx: 'f32', normalized: 'f32' },
  numbers: { columns: 'u32', epsilon: 'f32' },
  code: `${inverseRms}
  var along = 0.0;
  ${eachColumn} { along += dy[start + c] * weight[c] * x[start + c] * r; }
  let mean = sumOf(thread, along) / f32(n.columns);
  ${eachColumn} {
    let value = x[start + c] * r;
    normalized[start + c] = value;
    dx[start + c] = (dy[start + c] * weight[c] - value * mean) * r;
  }`,
});

interface NormInputs {
  readonly x: TensorInfo; // [T, C]
  readonly weight: TensorInfo; // [C]
}

const rmsNorm = defineKernel<NormInputs, { readonly epsilon: number }>({
  kernelName: kernels.rmsNorm,
  run({ x, weight }, { epsilon }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const y = backend.output(x.shape);
    const call = { reads: { x, weight }, writes: { y }, numbers: { columns, epsilon } };
    backend.runner.run(forward, { ...call, groups: rows, groupWork: 4 * columns });
    return y;
  },
});

const rmsNormGradient = defineKernel<
  NormInputs & { readonly dy: TensorInfo },
  { readonly epsilon: number; readonly wantsWeight: boolean }
>({
  kernelName: kernels.rmsNormGradient,
  run({ dy, x, weight }, { epsilon, wantsWeight }, backend) {
    const [rows, columns] = x.shape as [number, number];
    const [dx, normalized] = [backend.output(x.shape), backend.output(x.shape)];
    const call = { reads: { dy, x, weight }, writes: { dx, normalized }, numbers: { columns, epsilon } };
    backend.runner.run(backward, { ...call, groups: rows, groupWork: 8 * columns });
    const dWeight = wantsWeight ? columnProducts(dy, normalized, backend) : backend.output([0]);
    backend.disposeData(normalized.dataId);
    return [dx, dWeight];
  },
});

export const rmsNormKernels = [rmsNorm, rmsNormGradient];
