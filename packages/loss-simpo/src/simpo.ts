// SPDX-License-Identifier: Apache-2.0
/**
 * Simple Preference Optimization (Meng et al., 2024, arXiv:2405.14734, eq. 6), which needs no reference:
 *
 *   L(y_w, y_l) = −log σ(β·(r_w − r_l) − γ),   r = log π(y|x) / |y|
 *
 * | β        | scale of the reward                                             |
 * | γ        | target margin, subtracted inside the sigmoid after scaling by β |
 * | y_w, y_l | the chosen and the rejected answer, |y| their counted tokens    |
 *
 * AlphaPO (Gupta et al., 2025, arXiv:2501.03884) bends the reward: r = (1 − p̄^−α) / α with p̄ = e^r; α → 0 gives r.
 * CPO (Xu et al., 2024, arXiv:2401.08417) adds the likelihood of the chosen answers, averaged over tokens, and with
 * `lengthNormalized: false`, γ = 0 takes log π(y|x) itself.
 * Reference implementation: TRL 1.13, trl/experimental/cpo/cpo_trainer.py, `cpo_loss`; hinge with a margin: princeton-nlp's
 * SimPO, scripts/simpo_trainer.py. Difference: AlphaPO's exponent stops at 40.
 */
import {
  type Loss,
  type LossResult,
  boundedExpm1,
  imitatedLogProbs,
  imitatedRoles,
  logSigmoid,
  metricMean,
  pairs,
  preferenceMetrics,
  type ChosenRejected,
  type PairLogProbs,
} from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import { simpoOptions, type SimpoOptions } from './options.js';

export const simpoLoss: Loss<SimpoOptions> = {
  name: 'simpo',
  description: 'Simple Preference Optimization; length-normalized, needs no reference',
  options: simpoOptions,

  needs: () => ({
    rows: 'pair',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    roles: imitatedRoles, // of the likelihood term
    coupling: 'item',
  }),

  compute(inputs, options) {
    const { policy } = pairs(inputs);
    const logProbs = { chosen: value(policy.chosen, options), rejected: value(policy.rejected, options) };
    const preference: LossResult = { ...preferenceLoss(logProbs, options), unit: 'group' };
    if (options.cpoAlpha === 0) return preference;
    const likelihood = tf.neg<Tensor1D>(imitatedLogProbs(inputs, 'response')); // [chosen tokens]
    const items = tf.mul<Tensor1D>(likelihood, options.cpoAlpha);
    return [preference, { items, unit: 'token', metrics: { nll_loss: metricMean(likelihood) } }];
  },

  atReference: () => null,
};

/** [pairs] */
export function preferenceLoss(
  logProbs: ChosenRejected<Tensor1D>,
  options: SimpoOptions,
): Pick<LossResult, 'items' | 'metrics'> {
  const rewards = { chosen: reward(logProbs.chosen, options), rejected: reward(logProbs.rejected, options) };
  const margin = tf.sub<Tensor1D>(tf.sub(rewards.chosen, rewards.rejected), options.gamma);
  return { items: marginLoss(margin, options), metrics: preferenceMetrics(rewards, logProbs) };
}

/** β·r: the log-probability, or AlphaPO's (1 − e^(−α·r)) / α of it. */
function reward(logProb: Tensor1D, { alpha, beta }: SimpoOptions): Tensor1D {
  if (alpha === 0) return tf.mul(logProb, beta);
  return tf.mul(boundedExpm1(tf.mul(logProb, -alpha)), -beta / alpha);
}

function marginLoss(margin: Tensor1D, { variant, labelSmoothing }: SimpoOptions): Tensor1D {
  if (variant === 'hinge') return tf.relu(tf.sub(1, margin));
  const plain = tf.neg<Tensor1D>(logSigmoid(margin));
  if (labelSmoothing === 0) return plain;
  return tf.sub(tf.mul(plain, 1 - labelSmoothing), tf.mul(logSigmoid(tf.neg(margin)), labelSmoothing));
}

const value = (answers: PairLogProbs, { lengthNormalized }: SimpoOptions) =>
  lengthNormalized ? answers.mean : answers.sum;
