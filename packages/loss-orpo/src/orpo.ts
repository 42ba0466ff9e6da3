// SPDX-License-Identifier: Apache-2.0
/**
 * Odds Ratio Preference Optimization (Hong et al., 2024, arXiv:2403.07691, eq. 6 and 7), which needs no reference:
 *
 *   L(y_w, y_l) = NLL(y_w) − β·log σ(log odds(y_w) − log odds(y_l)),   odds = p̄ / (1 − p̄),   log p̄ = log π(y|x) / |y|
 *
 * | β        | weight of the odds-ratio term                                |
 * | y_w, y_l | the chosen and the rejected answer, |y| their counted tokens |
 *
 * Reference implementation: TRL 1.13, trl/experimental/orpo/orpo_trainer.py: the likelihood covers the prompt and the
 * chosen answer, averaged over all tokens of the batch. Differences: the average is over the whole optimizer step; its
 * span, reduction and weight can be set.
 */
import {
  type Loss,
  type LossInputs,
  type LossResult,
  imitatedLogProbs,
  imitatedRoles,
  log1mExp,
  logSigmoid,
  metricMean,
  pairs,
  preferenceMetrics,
  type ChosenRejected,
  type Pairs,
} from '@llmf/training';
import { segmentSum, tf, type Tensor1D } from '@llmf/nn';
import { orpoOptions, type OrpoOptions } from './options.js';

export const orpoLoss: Loss<OrpoOptions> = {
  name: 'orpo',
  description: 'Odds Ratio Preference Optimization: likelihood and preference in one; needs no reference',
  options: orpoOptions,

  needs: ({ likelihood }) => ({
    rows: 'pair',
    reference: 'none',
    stats: ['logProb'],
    span: likelihood.weight === 0 ? 'response' : likelihood.span,
    roles: imitatedRoles, // of the likelihood term
    coupling: 'item',
  }),

  compute(inputs, options) {
    const view = pairs(inputs);
    const odds = oddsRatioLoss({ chosen: view.policy.chosen.mean, rejected: view.policy.rejected.mean }, options);
    return options.likelihood.weight === 0 ? odds : [odds, likelihoodLoss(inputs, view, options)];
  },

  atReference: () => null,
};

/** −β·log σ(log odds ratio). @param mean [pairs] mean log-prob per token */
export function oddsRatioLoss(mean: ChosenRejected<Tensor1D>, { beta }: Pick<OrpoOptions, 'beta'>): LossResult {
  const logOddsRatio = tf.sub<Tensor1D>(logOdds(mean.chosen), logOdds(mean.rejected));
  const logSigmoidOfIt = logSigmoid(logOddsRatio);
  const rewards = { chosen: tf.mul<Tensor1D>(mean.chosen, beta), rejected: tf.mul<Tensor1D>(mean.rejected, beta) };
  return {
    items: tf.mul(logSigmoidOfIt, -beta),
    unit: 'group',
    metrics: {
      ...preferenceMetrics(rewards, mean),
      log_odds_ratio: metricMean(logSigmoidOfIt), // TRL's names
      log_odds_chosen: metricMean(logOddsRatio),
    },
  };
}

/** log(p̄ / (1 − p̄)) of log p̄. */
function logOdds(logProb: Tensor1D): Tensor1D {
  return tf.sub(logProb, log1mExp(logProb));
}

function likelihoodLoss(inputs: LossInputs, view: Pairs, { likelihood }: OrpoOptions): LossResult {
  const { span, reduction, weight } = likelihood;
  const isToken = reduction === 'token';
  const logProbs = isToken ? imitatedLogProbs(inputs, span) : answerMeans(inputs, view, span);
  const negative = tf.neg<Tensor1D>(logProbs); // [tokens] or [pairs]
  return {
    items: tf.mul(negative, weight),
    unit: isToken ? 'token' : 'group',
    metrics: { nll_loss: metricMean(negative) },
  };
}

/** Mean log-prob of each chosen answer's tokens, with its prompt's where the span is `all`, [pairs]. */
function answerMeans(
  { policy }: LossInputs,
  { policy: { chosen }, layout, count }: Pairs,
  span: 'all' | 'response',
): Tensor1D {
  if (span === 'response') return chosen.mean;
  const { logProb, group } = policy.prompt!;
  const tokens = Float32Array.from(layout.chosen.tokens);
  for (const pair of group) tokens[pair]! += 1;
  return tf.div(tf.add(chosen.sum, segmentSum(logProb, group, count)), tf.tensor1d(tokens));
}
