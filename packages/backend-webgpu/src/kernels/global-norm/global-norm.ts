// SPDX-License-Identifier: Apache-2.0
import { kernels, tf } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { groupSum, rowThreads } from '../reduction.js';

/** Values that one group sums. */
const block = 16 * rowThreads;

const squares = defineProgram({
  name: 'sum-of-squares',
  reads: { x: 'f32' },
  writes: { sums: 'f32' },
  numbers: { size: 'u32', place: 'u32' },
  workgroup: rowThreads,
  before: groupSum,
  code: `
  let end = min(n.size, (group + 1u) * ${block}u);
  var sum = 0.0;
  for (var at = group * ${block}u + thread; at < end; at += ${rowThreads}u) { sum += x[at] * x[at]; }
  let all = sumOf(thread, sum);
  if (thread == 0u) { sums[n.place + group] = all; }`,
});

/** norm = √ Σ, scale = min(1, maximum / (norm + 1e-6)), as torch's clip_grad_norm_. */
const norms = defineProgram({
  name: 'norm-of-sums',
  reads: { sums: 'f32' },
  writes: { norm: 'f32', scale: 'f32' },
  numbers: { count: 'u32', maximum: 'f32' },
  workgroup: rowThreads,
  before: groupSum,
  code: `
  var sum = 0.0;
  for (var at = thread; at < n.count; at += ${rowThreads}u) { sum += sums[at]; }
  let all = sumOf(thread, sum);
  if (thread == 0u) {
    norm[0] = sqrt(all);
    scale[0] = min(1.0, n.maximum / (sqrt(all) + 1e-6));
  }`,
});

const globalNorm = defineKernel<Readonly<Record<string, TensorInfo>>, { readonly maximum: number | null }>({
  kernelName: kernels.globalNorm,
  run(inputs, { maximum }, backend) {
    const tensors = Object.values(inputs).map((x) => ({ x, size: tf.util.sizeFromShape(x.shape) }));
    const groupsOf = (size: number) => Math.ceil(size / block);
    const count = tensors.reduce((sum, { size }) => sum + groupsOf(size), 0);
    const sums = backend.output([count]);
    let place = 0;
    for (const { x, size } of tensors) {
      const call = { reads: { x }, writes: { sums }, numbers: { size, place } };
      backend.runner.run(squares, { ...call, groups: groupsOf(size), groupWork: block });
      place += groupsOf(size);
    }
    const [norm, scale] = [backend.output([]), backend.output([])];
    const call = { reads: { sums }, writes: { norm, scale }, numbers: { count, maximum: maximum ?? 0 } };
    backend.runner.run(norms, { ...call, groups: 1, groupWork: count });
    backend.disposeData(sums.dataId);
    if (maximum !== null) return [norm, scale];
    backend.disposeData(scale.dataId);
    return [norm];
  },
});

export const globalNormKernels = [globalNorm];
