// SPDX-License-Identifier: Apache-2.0
import { tf, type Tensor1D } from '@llmf/nn';
import type { ChosenRejected, PairLogProbs, Pairs } from '@llmf/training';
import { divergenceScore } from './divergence.js';
import { desensitizedSum } from './length-desensitized.js';
import type { ScoreOptions } from './score-options.js';

/** What the variants are functions of, each [pairs]; y_w is the chosen answer, y_l the rejected one. */
export interface Scores {
  /** log π(y|x) and log π_ref(y|x). */
  readonly policy: ChosenRejected<Tensor1D>;
  readonly reference: ChosenRejected<Tensor1D>;
  /** ℓ = log π(y|x) − log π_ref(y|x). */
  readonly ratio: ChosenRejected<Tensor1D>;
  /** s(ℓ), the ratio as the divergence sees it; ℓ itself for reverse KL. */
  readonly score: ChosenRejected<Tensor1D>;
  /** |y|, counted tokens. */
  readonly tokens: ChosenRejected<Tensor1D>;
}

export function scores({ policy, reference, layout }: Pairs, options: ScoreOptions): Scores {
  const logProbs = (side: ChosenRejected<PairLogProbs>) =>
    options.ldAlpha === null || options.ldAlpha === 1
      ? { chosen: side.chosen.sum, rejected: side.rejected.sum }
      : desensitizedSum(side, layout, options.ldAlpha);
  const ours = logProbs(policy);
  const theirs = logProbs(reference);
  const ratio = {
    chosen: tf.sub<Tensor1D>(ours.chosen, theirs.chosen),
    rejected: tf.sub<Tensor1D>(ours.rejected, theirs.rejected),
  };
  return {
    policy: ours,
    reference: theirs,
    ratio,
    score: { chosen: divergenceScore(ratio.chosen, options), rejected: divergenceScore(ratio.rejected, options) },
    tokens: {
      chosen: tf.tensor1d(Float32Array.from(layout.chosen.tokens)),
      rejected: tf.tensor1d(Float32Array.from(layout.rejected.tokens)),
    },
  };
}
