// SPDX-License-Identifier: Apache-2.0
import { totalScore, type ScoredAnswer } from '@llmf/rollouts';

/** Two answers to one prompt, of which the first got the higher score. */
export interface AnswerPair {
  readonly chosen: ScoredAnswer;
  readonly rejected: ScoredAnswer;
  /** By how much. */
  readonly margin: number;
}

/**
 * The best and the worst answer of each group. Null where fewer than two have a score, or all have the same: TRL takes the
 * first of two equal ones as the better, and so trains on a coin's toss.
 */
export function pairOf(group: readonly ScoredAnswer[], missingEosPenalty: number | null): AnswerPair | null {
  const scored = group.flatMap((answer) => {
    const score = totalScore(answer.reward);
    const isCutOff = answer.sample.reason === 'length';
    return score === null ? [] : [{ answer, score: score - (isCutOff ? (missingEosPenalty ?? 0) : 0) }];
  });
  if (scored.length < 2) return null;
  const best = scored.reduce((most, each) => (each.score > most.score ? each : most));
  const worst = scored.reduce((least, each) => (each.score < least.score ? each : least));
  const margin = best.score - worst.score;
  return margin === 0 ? null : { chosen: best.answer, rejected: worst.answer, margin };
}
