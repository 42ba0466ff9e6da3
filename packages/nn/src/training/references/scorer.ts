// SPDX-License-Identifier: Apache-2.0
import type { Batch, Run } from '@llmf/core';
import type { ActiveAdapter, Model, ReferenceLogProbs } from '../../contracts/index.js';
import { tf } from '../../tf.js';
import { batchLogProbs, evaluationMode } from '../log-probs.js';

/** Log-probs of a batch by one model without a gradient; the caller disposes them. */
export function scoreBatch(
  run: Run,
  model: Model,
  adapter: ActiveAdapter | null,
  batch: Batch,
  wantsPrompt: boolean,
): ReferenceLogProbs {
  return tf.tidy(() => {
    const needs = { stats: [], span: wantsPrompt ? ('all' as const) : ('response' as const) };
    const { logProb, prompt } = batchLogProbs(model, batch, needs, evaluationMode(adapter), run.hooks);
    return { logProb, ...(prompt === undefined ? {} : { promptLogProb: prompt.logProb }) };
  });
}
