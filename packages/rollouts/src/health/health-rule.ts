// SPDX-License-Identifier: Apache-2.0
import type { HealthRule as RuleOf, ObservedStep } from '@llmf/training';
import { total } from '../answers/completions-log.js';
import type { ScoredAnswer } from '../answers/scored-answer.js';

/** What a step of an online algorithm shows of itself. */
export interface StepFacts extends ObservedStep {
  readonly answers: readonly AnswerFacts[];
}

export interface AnswerFacts {
  readonly score: number;
  readonly tokens: number;
  readonly isCutOff: boolean;
}

/** A rule that looks at the answers too. */
export type HealthRule = RuleOf<StepFacts>;

export const answerFacts = ({ sample, reward }: ScoredAnswer): AnswerFacts => ({
  score: total(reward) ?? 0,
  tokens: sample.ids.length,
  isCutOff: sample.reason === 'length',
});
