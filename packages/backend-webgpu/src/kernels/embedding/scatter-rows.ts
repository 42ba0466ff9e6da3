// SPDX-License-Identifier: Apache-2.0
import { defineProgram } from '../../backend/program.js';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import type { TensorInfo } from '../define-kernel.js';

/**
 * The first row of each id sums all rows with that id, in order: no place is written by two groups, so that the bits do
 * not depend on who comes first (tfjs's own sums are atomic). One group: 64 columns of a row.
 */
const scatter = defineProgram({
  name: 'scatter-rows',
  reads: { rows: 'f32', ids: 'i32' },
  writes: { sums: 'f32' },
  numbers: { count: 'u32', columns: 'u32', strips: 'u32' },
  workgroup: 64,
  code: `
  let row = group / n.strips;
  let column = (group % n.strips) * 64u + thread;
  let id = ids[row];
  for (var earlier = 0u; earlier < row; earlier++) {
    if (ids[earlier] == id) { return; }
  }
  if (column >= n.columns) { return; }
  var sum = rows[row * n.columns + column];
  for (var later = row + 1u; later < n.count; later++) {
    if (ids[later] == id) { sum += rows[later * n.columns + column]; }
  }
  sums[u32(id) * n.columns + column] = sum;`,
});

/** rows [n, C] into `places` places by ids [n] → [places, C]; rows of one place are added in order. */
export function scatterRows(
  rows: TensorInfo,
  ids: TensorInfo,
  places: number,
  backend: TrainingWebGpuBackend,
): TensorInfo {
  const [count, columns] = rows.shape as [number, number];
  const sums = backend.zeros([places, columns]);
  const strips = Math.ceil(columns / 64);
  backend.runner.run(scatter, {
    reads: { rows, ids },
    writes: { sums },
    numbers: { count, columns, strips },
    groups: count * strips,
    groupWork: 64 * count,
  });
  return sums;
}
