// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { accumulateRows } from '../accumulate-rows/accumulate-rows.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { embeddingComposite, embeddingGradientComposite, type EmbeddingInputs } from './composite.js';

/** Adds the rows of dy into their places. */
export const embeddingGradient = defineKernel(kernels.embeddingGradient, embeddingGradientComposite);
const embeddingKernel = defineKernel<EmbeddingInputs, { readonly vocabulary: number }, readonly [Tensor2D]>(
  kernels.embedding,
  embeddingComposite,
);

/** y_t = E[id_t], so dE[v] = Σ over t with id_t = v of dy_t. */
export const embeddingOp = defineOp(embeddingKernel, {
  differentiable: ['table'],
  save: ({ ids }): { ids: Tensor1D } => ({ ids }),
  gradient({ dys: [dy], saved: { ids }, attributes: { vocabulary }, sums: { table } }) {
    if (table !== undefined && accumulateRows(table as Tensor2D, dy!, ids)) return { table };
    return { table: embeddingGradient({ dy: dy!, ids }, { vocabulary })[0] };
  },
});
