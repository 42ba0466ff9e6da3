// SPDX-License-Identifier: Apache-2.0
import type { Sample } from '../contracts/reward.js';
import { rolloutsErrors } from '../rollouts-errors.js';

/**
 * What a reward returned is one score a sample.
 * @throws LLMF_ROLLOUTS_REWARD_COUNT, …_REWARD_VALUE, …_REWARD_TOKENS
 */
export function checkScores(reward: string, scores: unknown, samples: readonly Sample[]): void {
  if (!Array.isArray(scores) || scores.length !== samples.length) {
    const got = Array.isArray(scores) ? `a list of ${scores.length}` : kindOf(scores);
    throw rolloutsErrors.rewardCount({ reward, got, samples: samples.length });
  }
  for (const [at, sample] of samples.entries()) checkScore(reward, scores[at], sample, at);
}

function checkScore(reward: string, score: unknown, { ids, answer }: Sample, at: number): void {
  if (score === null) return;
  const wrong = (value: unknown, where = '') =>
    rolloutsErrors.rewardValue({ reward, sample: at, got: `${kindOf(value)}${where}`, answer: answer.slice(0, 80) });
  if (!Array.isArray(score)) {
    if (!Number.isFinite(score)) throw wrong(score);
    return;
  }
  if (score.length !== ids.length) {
    throw rolloutsErrors.rewardTokens({ reward, sample: at, got: score.length, tokens: ids.length });
  }
  const bad = score.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw wrong(score[bad], ` at token ${bad}`);
}

const kindOf = (value: unknown): string =>
  typeof value === 'number' || value === undefined || value === null
    ? String(value)
    : `${typeof value} ${JSON.stringify(value)?.slice(0, 80)}`;
