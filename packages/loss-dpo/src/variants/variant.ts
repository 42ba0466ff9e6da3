// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@llmf/nn';
import type { Scores } from '../scores.js';

/** Options of the loss that a variant reads. */
export interface VariantOptions {
  readonly beta: number;
  readonly labelSmoothing: number;
  readonly discopopTau: number | null;
}

/** One form of the loss: a pure function, and the facts that options and step-0 check need. */
export interface Variant {
  /** One value per pair (of the sorted batch where the coupling is `batch`), [pairs]. */
  readonly loss: (scores: Scores, options: VariantOptions) => Tensor1D;
  /** Its value where policy and reference are equal. */
  readonly atReference: (options: VariantOptions) => number;
  /** It reads `labelSmoothing`. */
  readonly smoothing: boolean;
  /** It depends on a difference of scores, so any f-divergence gives it a meaning. */
  readonly divergence: boolean;
  readonly coupling: 'item' | 'batch';
}
