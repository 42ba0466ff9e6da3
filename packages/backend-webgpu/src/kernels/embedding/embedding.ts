// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { gatherRows } from './gather-rows.js';
import { scatterRows } from './scatter-rows.js';

const embedding = defineKernel<{ readonly ids: TensorInfo; readonly table: TensorInfo }>({
  kernelName: kernels.embedding,
  run: ({ ids, table }, _attributes, backend) => gatherRows(table, ids, backend),
});

const embeddingGradient = defineKernel<
  { readonly dy: TensorInfo; readonly ids: TensorInfo },
  { readonly vocabulary: number }
>({
  kernelName: kernels.embeddingGradient,
  run: ({ dy, ids }, { vocabulary }, backend) => scatterRows(dy, ids, vocabulary, backend),
});

export const embeddingKernels = [embedding, embeddingGradient];
