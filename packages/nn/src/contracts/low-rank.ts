// SPDX-License-Identifier: Apache-2.0
import type { Variable } from '@tensorflow/tfjs-core';

/** Low-rank additive adapter of one layer: y += scale · (dropout(x) Aᵀ) Bᵀ. A fused kernel may compute it with the layer. */
export interface LowRank {
  readonly a: Variable; // [rank, inputs]
  readonly b: Variable; // [outputs, rank]
  readonly scale: number;
  readonly dropout: number;
}
