// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { RunningMoments } from './running-moments.js';

/** How scores are made comparable before they become rewards; spread into a stage's schema. */
export const scoreShape = {
  scoreScaling: z
    .enum(['none', 'running', 'first', 'normalized'])
    .default('none')
    .describe(
      'Scores divided by the deviation of all so far (trlX’s running), of the first batch (its ref), or also centred (TRL’s use_score_norm).',
    ),
  missingEosPenalty: z
    .number()
    .min(0)
    .nullable()
    .default(null)
    .describe(
      'Taken off the score of an answer that was cut off before any of its ends; null: nothing (TRL advises 1).',
    ),
};

export interface ScoreShaping {
  readonly scoreScaling: 'none' | 'running' | 'first' | 'normalized';
  /** Scores are clipped to ± this; null: not. */
  readonly scoreClip: number | null;
  readonly missingEosPenalty: number | null;
}

/** What TRL 0.9.6 adds to a deviation before it divides by it. */
const epsilon = 1e-8;

/**
 * The scores of a step's answers, shaped: penalty, scaling by moments that they are added to first, clipping; the order of
 * TRL and trlX. @param isCutOff whether each answer ended without an end token or stop text
 */
export function shapedScores(
  scores: readonly number[],
  isCutOff: readonly boolean[],
  { scoreScaling, scoreClip, missingEosPenalty }: ScoreShaping,
  moments: RunningMoments,
): number[] {
  const penalized = scores.map((score, at) => score - (isCutOff[at] === true ? (missingEosPenalty ?? 0) : 0));
  moments.add(penalized);
  const { mean, deviation } = scoreScaling === 'first' ? moments.ofFirst : moments.all;
  const scaled =
    scoreScaling === 'none'
      ? penalized
      : penalized.map((score) => (score - (scoreScaling === 'normalized' ? mean : 0)) / divisor(deviation));
  if (scoreClip === null) return scaled;
  return scaled.map((score) => Math.min(scoreClip, Math.max(-scoreClip, score)));
}

/** Scores that do not differ are left as they are. */
const divisor = (deviation: number) => (deviation === 0 ? 1 : deviation + epsilon);
