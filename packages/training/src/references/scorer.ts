// SPDX-License-Identifier: Apache-2.0
import { trainingHooks } from '../contracts/hooks.js';
import type { Batch } from '../contracts/data.js';
import type { Run } from '@llmf/core';
import { type ActiveAdapter, type Model, tf } from '@llmf/nn';
import type { ReferenceContext, ReferenceLogProbs } from '../contracts/reference.js';
import { batchLogProbs, evaluationMode } from '../objective/log-probs.js';
import { tempered } from '../policy/tempered.js';

/** What is wanted of a batch, as the context of a reference says it. */
export type ScoreRequest = Pick<ReferenceContext, 'wantsPrompt' | 'temperature'>;

/** Log-probs of a batch by one model without a gradient; the caller disposes them. */
export function scoreBatch(
  run: Run,
  model: Model,
  adapter: ActiveAdapter | null,
  batch: Batch,
  { wantsPrompt, temperature = 1 }: ScoreRequest,
): ReferenceLogProbs {
  return tf.tidy(() => {
    const needs = { stats: [], span: wantsPrompt ? ('all' as const) : ('response' as const) };
    const { logProb, prompt } = batchLogProbs(
      tempered(model, temperature),
      batch,
      needs,
      evaluationMode(adapter),
      trainingHooks(run),
    );
    return { logProb, ...(prompt === undefined ? {} : { promptLogProb: prompt.logProb }) };
  });
}
