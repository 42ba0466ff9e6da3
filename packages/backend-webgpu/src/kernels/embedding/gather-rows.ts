// SPDX-License-Identifier: Apache-2.0
import { defineProgram } from '../../backend/program.js';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import type { TensorInfo } from '../define-kernel.js';
import { eachElement, elementGroups, elementThreads } from '../elementwise.js';
import { valueOfB } from '../product/product-program.js';

/** Writes the rows whose ids lie in a part of the table. */
const gather = (format: 'f32' | 'bf16') =>
  defineProgram({
    name: `gather-rows ${format}`,
    reads: { table: format === 'bf16' ? 'u32' : 'f32', ids: 'i32' },
    writes: { y: 'f32' },
    numbers: { size: 'u32', columns: 'u32', first: 'u32', rows: 'u32' },
    workgroup: elementThreads,
    before: valueOfB(format, 'table', 'valueOf'),
    code: `${eachElement}
  let row = u32(ids[at / n.columns]) - n.first; // beyond every row where it is below the first
  if (row < n.rows) { y[at] = valueOf(row * n.columns + at % n.columns); }`,
  });

const programs = { f32: gather('f32'), bf16: gather('bf16') };

/** table [V, C], ids [T] → [T, C] */
export function gatherRows(table: TensorInfo, ids: TensorInfo, backend: TrainingWebGpuBackend): TensorInfo {
  const [count, columns] = [ids.shape[0]!, table.shape[1]!];
  const y = backend.output([count, columns]);
  const { format, parts } = backend.weightOf(table);
  const size = count * columns;
  for (const { tensor, first, rows } of parts) {
    const numbers = { size, columns, first, rows };
    backend.runner.run(programs[format], {
      reads: { table: tensor, ids },
      writes: { y },
      numbers,
      ...elementGroups(size),
    });
  }
  return y;
}
