// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

const embedding = defineKernel<{ readonly ids: TensorInfo; readonly table: TensorInfo }>({
  kernelName: kernels.embedding,
  run({ ids, table }, _, backend) {
    const [vocabulary, columns] = table.shape as [number, number];
    const tokens = ids.shape[0]!;
    const y = backend.output([tokens, columns]);
    backend.kernels.embedding({
      tokens,
      vocabulary,
      columns,
      ids: backend.integers(ids),
      table: backend.weight(table),
      y: y.values,
    });
    return y.info;
  },
});

const embeddingGradient = defineKernel<
  { readonly dy: TensorInfo; readonly ids: TensorInfo },
  { readonly vocabulary: number }
>({
  kernelName: kernels.embeddingGradient,
  run({ dy, ids }, { vocabulary }, backend) {
    const [tokens, columns] = dy.shape as [number, number];
    const dTable = backend.output([vocabulary, columns]);
    backend.kernels.embeddingGradient({
      tokens,
      vocabulary,
      columns,
      dy: backend.floats(dy),
      ids: backend.integers(ids),
      dTable: dTable.values,
    });
    return dTable.info;
  },
});

export const embeddingKernels = [embedding, embeddingGradient];
