// SPDX-License-Identifier: Apache-2.0
import type { Rows } from '@llmf/training';
import { klOfTokens } from '../kl/estimators.js';
import { answeredRow } from './answered-row.js';
import { assess, type Assessed, type Assessors } from './assess.js';
import type { Rollouts } from './rollouts.js';
import type { ScoredAnswer } from './scored-answer.js';

/** What the policy's answers to held-out prompts are worth, one to each; null where there are none. */
export async function heldOutMetrics(
  rollouts: Rollouts,
  rows: Rows,
  assessors: Assessors,
): Promise<Record<string, number> | null> {
  const { evaluation } = rows;
  if (evaluation === null || evaluation.length === 0) return null;
  const { step } = assessors.run;
  const answers: ScoredAnswer[] = [];
  const assessed: Assessed[] = [];
  for await (const prompts of rows.sweepRows(evaluation)) {
    const written = await rollouts.of(evaluation, prompts, { step, split: 'eval', answers: 1 });
    const batches = await rows.pack(
      written.map((answer) => answeredRow([answer])),
      { split: 'eval', step: 0 },
    );
    answers.push(...written);
    assessed.push(...(await assess(assessors, batches, evaluation)));
  }
  await rollouts.record(step, 'eval', answers);
  return { ...rollouts.metricsOf(answers), ...policyMetrics(assessed) };
}

/** KL to the reference (k1, in nats an answer) and entropy (mean over tokens). */
export function policyMetrics(assessed: readonly Assessed[]): Record<string, number> {
  const kl = assessed.flatMap(({ logProbs, reference }) =>
    reference === null ? [] : [sum(klOfTokens(logProbs, reference, 'k1'))],
  );
  const entropy = assessed.flatMap((each) => [...each.entropy]);
  return {
    ...(kl.length === 0 ? {} : { 'objective/kl': sum(kl) / kl.length }),
    'objective/entropy': sum(assessed.map(({ logProbs }) => -sum(logProbs))) / assessed.length,
    'policy/entropy_avg': sum(entropy) / entropy.length,
  };
}

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);
