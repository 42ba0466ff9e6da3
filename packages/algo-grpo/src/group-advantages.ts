// SPDX-License-Identifier: Apache-2.0
import { momentsOf } from '@llmf/rollouts';
import type { GrpoOptions } from './options.js';

/** What TRL adds to a deviation before it divides by it. */
const epsilon = 1e-4;

/**
 * Advantages of answers from the scores of their groups, as TRL's GRPOTrainer and RLOOTrainer (unbiased deviations). An
 * answer that is alone in its group has nothing to be compared with: its advantage is 0.
 */
export function groupAdvantages(groups: readonly (readonly number[])[], baseline: GrpoOptions['baseline']): number[][] {
  const ofStep = momentsOf(groups.flat()).deviation;
  return groups.map((scores) => {
    if (scores.length < 2) return scores.map(() => 0);
    const { mean, deviation } = momentsOf(scores);
    if (baseline === 'leaveOneOut')
      return scores.map((score) => ((score - mean) * scores.length) / (scores.length - 1));
    const divisor = { group: deviation + epsilon, batch: ofStep + epsilon, mean: 1 }[baseline];
    return scores.map((score) => (score - mean) / divisor);
  });
}

/** Whether a group's scores are all the same, so that nothing can be learned from it. */
export const hasNoVariance = (scores: readonly number[]): boolean => scores.every((score) => score === scores[0]);
