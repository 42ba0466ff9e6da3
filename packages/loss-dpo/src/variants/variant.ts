// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@llmf/nn';
import type { DpoOptions } from '../options.js';
import type { Scores } from '../scores.js';

/** One form of the loss: a pure function, and the facts that options and step-0 check need. */
export interface Variant {
  /** One value per pair (of the sorted batch where the coupling is `batch`), [pairs]. */
  readonly loss: (scores: Scores, options: DpoOptions) => Tensor1D;
  /** Its value where policy and reference are equal. */
  readonly atReference: (options: DpoOptions) => number;
  /** It reads `labelSmoothing`. */
  readonly smoothing: boolean;
  /** It depends on a difference of scores, so any f-divergence gives it a meaning. */
  readonly divergence: boolean;
  readonly coupling: 'item' | 'batch';
}
