// SPDX-License-Identifier: Apache-2.0
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import type { TensorInfo } from '../define-kernel.js';
import { productProgram, tileColumns } from './product-program.js';

/** A matrix in a buffer: the place of its first value, and steps to the next row, column and matrix of a batch. */
export interface Matrix {
  readonly tensor: TensorInfo;
  readonly start?: number;
  readonly row: number;
  readonly column: number;
  readonly batch?: number;
}

export interface Product {
  readonly rows: number;
  readonly columns: number;
  readonly inner: number;
  readonly a: Matrix; // [rows, inner]
  readonly b: Matrix & { readonly format?: 'f32' | 'bf16' }; // [inner, columns]
  /** Its columns follow one another. */
  readonly c: Omit<Matrix, 'column'>; // [rows, columns]
  readonly batches?: number;
  readonly factor?: number;
  readonly bias?: TensorInfo | undefined;
  /** Place of the first column's bias. */
  readonly biasStart?: number;
  readonly adds?: boolean;
  readonly mask?: { readonly of: 'a' | 'b' | 'c'; readonly tensor: TensorInfo } | undefined;
}

/** Rows up to which the small tile is used. */
const fewRows = 16;

export function product(backend: TrainingWebGpuBackend, call: Product): void {
  const { rows, columns, inner, a, b, c, batches = 1, factor = 1, bias, adds = false, mask } = call;
  const tileRows = rows <= fewRows ? 16 : 64;
  const program = productProgram({
    tileRows,
    aAlongSum: a.column === 1,
    bAlongSum: b.row === 1 && b.column !== 1,
    format: b.format ?? 'f32',
    bias: bias !== undefined,
    adds,
    mask: mask?.of ?? null,
  });
  const tilesDown = Math.ceil(rows / tileRows);
  const tilesAcross = Math.ceil(columns / tileColumns);
  backend.runner.run(program, {
    reads: {
      a: a.tensor,
      b: b.tensor,
      ...(bias === undefined ? {} : { bias }),
      ...(mask === undefined ? {} : { mask: mask.tensor }),
    },
    writes: { c: c.tensor },
    numbers: {
      rows,
      columns,
      inner,
      tilesDown,
      tilesAcross,
      aStart: a.start ?? 0,
      aRow: a.row,
      aInner: a.column,
      aBatch: a.batch ?? 0,
      bStart: b.start ?? 0,
      bInner: b.row,
      bColumn: b.column,
      bBatch: b.batch ?? 0,
      cStart: c.start ?? 0,
      cRow: c.row,
      cBatch: c.batch ?? 0,
      biasStart: call.biasStart ?? 0,
      factor,
    },
    groups: batches * tilesDown * tilesAcross,
    groupWork: tileRows * tileColumns * inner,
  });
}

/** A matrix as it lies, [rows, columns] row by row. */
export const plain = (tensor: TensorInfo): Matrix => ({ tensor, row: tensor.shape[1]!, column: 1 });

/** The same matrix, transposed. */
export const transposed = <M extends Matrix>(matrix: M): M => ({ ...matrix, row: matrix.column, column: matrix.row });
