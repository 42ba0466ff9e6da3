// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

const embedding = defineKernel<{ readonly ids: TensorInfo; readonly table: TensorInfo }>({
  kernelName: kernels.embedding,
  run({ ids, table }, _, backend) {
    const [vocabulary, columns] = table.shape as [number, number];
    const tokens = ids.shape[0]!;
    const y = backend.output([tokens, columns]);
    backend.kernels['embedding']!(tokens, vocabulary, columns, backend.integers(ids), backend.weight(table), y.values);
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
    const y = backend.output([vocabulary, columns]);
    const arrays = [backend.floats(dy), backend.integers(ids), y.values] as const;
    backend.kernels['embedding_gradient']!(tokens, vocabulary, columns, ...arrays);
    return y.info;
  },
});

export const embeddingKernels = [embedding, embeddingGradient];
