// SPDX-License-Identifier: Apache-2.0
import { total } from '../answers/completions-log.js';
import type { ScoredAnswer } from '../answers/scored-answer.js';

/** What a step of an online algorithm shows of itself. */
export interface StepFacts {
  /** By the names of metrics.jsonl; a rule whose metric is absent says nothing. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly answers: readonly AnswerFacts[];
}

export interface AnswerFacts {
  readonly score: number;
  readonly tokens: number;
  readonly isCutOff: boolean;
}

/** Looks at the steps so far, the newest last, and says in one line what is wrong and what helps; null: nothing is. */
export interface HealthRule {
  readonly name: string;
  readonly see: (steps: readonly StepFacts[]) => string | null;
}

export const answerFacts = ({ sample, reward }: ScoredAnswer): AnswerFacts => ({
  score: total(reward) ?? 0,
  tokens: sample.ids.length,
  isCutOff: sample.reason === 'length',
});
