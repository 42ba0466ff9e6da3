// SPDX-License-Identifier: Apache-2.0
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import type { WeightParts } from '../../backend/weights.js';
import type { TensorInfo } from '../define-kernel.js';
import { product, transposed } from '../product/product.js';

/** Bytes of logits alive at a time. */
const chunkBytes = 32 * 2 ** 20;

export interface Chunk {
  readonly start: number;
  readonly count: number;
}

/** The logits of selected rows [S, C] under a head [V, C], a chunk of rows at a time. */
export class Logits {
  private readonly weight: WeightParts;
  private readonly vocabulary: number;

  constructor(
    private readonly backend: TrainingWebGpuBackend,
    private readonly selected: TensorInfo,
    head: TensorInfo,
    private readonly bias: TensorInfo | undefined,
  ) {
    this.weight = backend.weightOf(head);
    this.vocabulary = head.shape[0]!;
  }

  chunks(): Chunk[] {
    const rows = this.selected.shape[0]!;
    const bytes = Math.min(chunkBytes, this.backend.bufferLimit);
    const size = Math.max(1, Math.floor(bytes / (4 * this.vocabulary)));
    return Array.from({ length: Math.ceil(rows / size) }, (_, i) => ({
      start: i * size,
      count: Math.min(size, rows - i * size),
    }));
  }

  /** h Wᵀ + b: [s, V] */
  compute({ start, count }: Chunk): TensorInfo {
    const { backend, selected, vocabulary, bias } = this;
    const inner = selected.shape[1]!;
    const z = backend.output([count, vocabulary]);
    for (const { tensor, first, rows } of this.weight.parts) {
      product(backend, {
        rows: count,
        columns: rows,
        inner,
        a: { tensor: selected, start: start * inner, row: inner, column: 1 },
        b: transposed({ tensor, row: inner, column: 1, format: this.weight.format }),
        c: { tensor: z, start: first, row: vocabulary },
        bias,
        biasStart: first,
      });
    }
    return z;
  }

  /** into[chunk] = dz W, for dz [s, V] and into [S, C] */
  backwards(dz: TensorInfo, { start, count }: Chunk, into: TensorInfo): void {
    const { backend, vocabulary } = this;
    const columns = into.shape[1]!;
    for (const [index, { tensor, first, rows }] of this.weight.parts.entries()) {
      product(backend, {
        rows: count,
        columns,
        inner: rows,
        a: { tensor: dz, start: first, row: vocabulary, column: 1 },
        b: { tensor, row: columns, column: 1, format: this.weight.format },
        c: { tensor: into, start: start * columns, row: columns },
        adds: index > 0,
      });
    }
  }
}
