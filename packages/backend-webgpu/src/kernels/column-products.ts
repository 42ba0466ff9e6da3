// SPDX-License-Identifier: Apache-2.0
import { defineProgram } from '../backend/program.js';
import type { TrainingWebGpuBackend } from '../backend/webgpu-backend.js';
import type { TensorInfo } from './define-kernel.js';

/** Rows that one thread of a column sums; the sums of the blocks are added by a second pass. */
const blockRows = 64;
const threads = 64;

/** A group: 64 columns of one block of rows. */
const blocks = (name: string, term: string) =>
  ({
    name,
    writes: { sums: 'f32' },
    numbers: { rows: 'u32', columns: 'u32', strips: 'u32' },
    workgroup: threads,
    code: `
  let column = (group % n.strips) * ${threads}u + thread;
  let block = group / n.strips;
  if (column >= n.columns) { return; }
  var sum = 0.0;
  for (var row = block * ${blockRows}u; row < min(n.rows, (block + 1u) * ${blockRows}u); row++) {
    let at = row * n.columns + column;
    sum += ${term};
  }
  sums[block * n.columns + column] = sum;`,
  }) as const;

const sumsOfProducts = defineProgram({
  ...blocks('column-products', 'a[at] * b[at]'),
  reads: { a: 'f32', b: 'f32' },
});
const sumsOfValues = defineProgram({ ...blocks('column-sums', 'a[at]'), reads: { a: 'f32' } });

/** Σ over rows of a ∘ b, both [T, C] → [C], always in the same order. */
export function columnProducts(a: TensorInfo, b: TensorInfo, backend: TrainingWebGpuBackend): TensorInfo {
  const { sums, call } = passOver(a, backend);
  backend.runner.run(sumsOfProducts, { ...call, reads: { a, b } });
  return summed(sums, backend);
}

/** Σ over rows of a [T, C] → [C]. */
export function columnSums(a: TensorInfo, backend: TrainingWebGpuBackend): TensorInfo {
  const { sums, call } = passOver(a, backend);
  backend.runner.run(sumsOfValues, { ...call, reads: { a } });
  return summed(sums, backend);
}

function passOver(a: TensorInfo, backend: TrainingWebGpuBackend) {
  const [rows, columns] = a.shape as [number, number];
  const strips = Math.ceil(columns / threads);
  const count = Math.max(1, Math.ceil(rows / blockRows));
  const sums = backend.output([count, columns]);
  const numbers = { rows, columns, strips };
  return { sums, call: { writes: { sums }, numbers, groups: count * strips, groupWork: threads * blockRows } };
}

/** Blocks are few: they are summed until one is left. */
function summed(sums: TensorInfo, backend: TrainingWebGpuBackend): TensorInfo {
  const [count, columns] = sums.shape as [number, number];
  if (count === 1) return { ...sums, shape: [columns] };
  const total = columnSums(sums, backend);
  backend.disposeData(sums.dataId);
  return total;
}
