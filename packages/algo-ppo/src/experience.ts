// SPDX-License-Identifier: Apache-2.0
import {
  answeredRow,
  generalizedAdvantages,
  klOfTokens,
  shapedScores,
  tokenRewards,
  whiten,
  type Assessed,
  type RunningMoments,
  type ScoredAnswer,
} from '@llmf/rollouts';
import type { EncodedRow } from '@llmf/training';
import type { PpoOptions } from './options.js';
import { rolloutNumbers } from './ppo-loss.js';

/** What a step learns from: a row an answer, each token with its advantage, return, value and log-prob. */
export interface Experience {
  readonly rows: readonly EncodedRow[];
  /** By TRL's names: means over answers of their tokens' sums. */
  readonly metrics: Readonly<Record<string, number>>;
}

/**
 * Scores become rewards of tokens, these become advantages; in the order of TRL and trlX: shape scores, subtract the KL
 * penalty, whiten rewards, estimate, whiten advantages.
 */
export function experienceOf(
  answers: readonly ScoredAnswer[],
  assessed: readonly Assessed[],
  coefficient: number,
  moments: RunningMoments,
  options: Omit<PpoOptions, 'stop'>,
): Experience {
  const scores = shapedScores(
    answers.map(({ reward }) => reward.score!),
    answers.map(({ sample }) => sample.reason === 'length'),
    options,
    moments,
  );
  const kl = assessed.map(({ logProbs, reference }) => klOfTokens(logProbs, reference!, options.klEstimator));
  const plain = answers.map(({ reward: { tokens } }, at) =>
    tokenRewards({ kl: kl[at]!, score: scores[at]!, tokens, coefficient }),
  );
  const rewards = options.whitenRewards ? whiten(plain, { keepMean: true }) : plain;
  const estimates = rewards.map((each, at) => generalizedAdvantages(each, assessed[at]!.values!, options));
  const advantages = estimates.map((each) => each.advantages);
  const learned = options.whitenAdvantages ? whiten(advantages) : advantages;
  const rows = answers.map((answer, at) => {
    const { logProbs, values } = assessed[at]!;
    const numbers = {
      [rolloutNumbers.logProb]: logProbs,
      [rolloutNumbers.value]: values!,
      [rolloutNumbers.advantage]: Float32Array.from(learned[at]!),
      [rolloutNumbers.return]: Float32Array.from(estimates[at]!.returns),
    };
    return answeredRow([answer], [numbers]);
  });
  const klMean = mean(kl.map(sum));
  const metrics = {
    'objective/kl': klMean,
    'objective/kl_coef': coefficient,
    'objective/non_score_reward': -coefficient * klMean,
    'objective/rlhf_reward': mean(plain.map(sum)),
  };
  return { rows, metrics };
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
