// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface Inputs {
  readonly accumulator: TensorInfo; // [V, C]
  readonly rows: TensorInfo; // [T, C]
  readonly ids: TensorInfo; // [T] int32
}

/** In place. */
export const accumulateRowsKernel = defineKernel<Inputs>({
  kernelName: kernels.accumulateRows,
  run({ accumulator, rows, ids }, _, backend) {
    const [vocabulary, columns] = accumulator.shape as [number, number];
    backend.kernels.accumulateRows({
      tokens: ids.shape[0]!,
      vocabulary,
      columns,
      rows: backend.floats(rows),
      ids: backend.integers(ids),
      accumulator: backend.ownFloats(accumulator),
    });
    return [];
  },
});
