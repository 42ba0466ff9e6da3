// SPDX-License-Identifier: Apache-2.0
import { segmentSum, tf, type Tensor1D } from '@llmf/nn';
import type { ChosenRejected, PairLayout, PairLogProbs } from '@llmf/training';

/**
 * LD-DPO: log-probs in which tokens beyond the shorter answer's length count only α times, so that length alone earns
 * less. Liu et al., "Length Desensitization in Direct Preference Optimization", arXiv:2409.06411; applied to policy and
 * reference alike, as TRL 1.13 does.
 *
 * @returns [pairs] for each side
 */
export function desensitizedSum(
  logProbs: ChosenRejected<PairLogProbs>,
  layout: ChosenRejected<PairLayout>,
  alpha: number,
): ChosenRejected<Tensor1D> {
  const shared = layout.chosen.tokens.map((tokens, pair) => Math.min(tokens, layout.rejected.tokens[pair]!));
  const sum = (side: 'chosen' | 'rejected') => {
    const weights = tf.tensor1d(tokenWeights(layout[side], shared, alpha)); // [S of this side]
    return segmentSum(tf.mul(logProbs[side].logProb, weights), layout[side].pair, shared.length);
  };
  return { chosen: sum('chosen'), rejected: sum('rejected') };
}

function tokenWeights({ tokens }: PairLayout, shared: Int32Array, alpha: number): Float32Array {
  const perPair = [...tokens].map((count, pair) =>
    Array.from({ length: count }, (_, position) => (position < shared[pair]! ? 1 : alpha)),
  );
  return Float32Array.from(perPair.flat());
}
