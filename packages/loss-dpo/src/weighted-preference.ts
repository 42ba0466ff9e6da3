// SPDX-License-Identifier: Apache-2.0
import { type LossInputs, boundedExp, stopGradient, type Pairs } from '@llmf/training';
import { segmentSum, tf, type Tensor1D } from '@llmf/nn';

/**
 * WPO: weight of each pair, the product of its answers' weights exp(mean_t(log p_t − log Σ_v p_v²)): how likely the policy
 * is to write such answers itself, aligned so that its own samples weigh about 1. Zhou et al., "WPO", arXiv:2406.11827,
 * eq. 2, with sampled alignment. A constant: no gradient flows through.
 *
 * @returns [pairs]
 */
export function pairWeights({ policy, response, tokens }: LossInputs, { split }: Pairs): Tensor1D {
  const aligned = tf.sub<Tensor1D>(policy.logProb, policy.logSumSquaredProbabilities!); // [S]
  const sum = segmentSum(stopGradient(aligned), response, tokens.length); // [R]
  const mean = tf.div<Tensor1D>(sum, tf.tensor1d(Float32Array.from(tokens)));
  const { chosen, rejected } = split(mean);
  return boundedExp(tf.add(chosen, rejected));
}
