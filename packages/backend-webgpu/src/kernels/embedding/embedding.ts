// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineProgram } from '../../backend/program.js';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

/**
 * The first row of each id sums all rows with that id, in order: no place is written by two groups, so that the bits do
 * not depend on who comes first (tfjs's own sums are atomic). One group: 64 columns of a row.
 */
const scatterRows = defineProgram({
  name: 'embedding-gradient',
  reads: { dy: 'f32', ids: 'i32' },
  writes: { dTable: 'f32' },
  numbers: { rows: 'u32', columns: 'u32', blocks: 'u32' },
  workgroup: 64,
  code: `
  let row = group / n.blocks;
  let column = (group % n.blocks) * 64u + thread;
  let id = ids[row];
  for (var earlier = 0u; earlier < row; earlier++) {
    if (ids[earlier] == id) { return; }
  }
  if (column >= n.columns) { return; }
  var sum = dy[row * n.columns + column];
  for (var later = row + 1u; later < n.rows; later++) {
    if (ids[later] == id) { sum += dy[later * n.columns + column]; }
  }
  dTable[u32(id) * n.columns + column] = sum;`,
});

const embeddingGradient = defineKernel<
  { readonly dy: TensorInfo; readonly ids: TensorInfo },
  { readonly vocabulary: number }
>({
  kernelName: kernels.embeddingGradient,
  run({ dy, ids }, { vocabulary }, backend) {
    const [rows, columns] = dy.shape as [number, number];
    const dTable = backend.zeros([vocabulary, columns]);
    const blocks = Math.ceil(columns / 64);
    backend.runner.run(scatterRows, {
      reads: { dy, ids },
      writes: { dTable },
      numbers: { rows, columns, blocks },
      groups: rows * blocks,
      groupWork: 64 * rows,
    });
    return dTable;
  },
});

export const embeddingKernels = [embeddingGradient];
