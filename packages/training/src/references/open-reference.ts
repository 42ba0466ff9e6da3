// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { chosen } from '../choose.js';
import type { RowSet } from '../contracts/data.js';
import {
  ReferenceToken,
  type Reference,
  type ReferenceLogProbs,
  type ReferenceStrategy,
} from '../contracts/reference.js';
import type { Policy } from '../policy/policy.js';
import type { ScoreRequest } from './scorer.js';

/** Refuses a reference that cannot be had, before any row is read. */
export async function checkReference(
  run: Run,
  { model, folder, adapter }: Policy,
  wantsPrompt: boolean,
): Promise<void> {
  const { strategy, options } = chosenReference(run);
  await strategy.check?.({ run, model, modelFolder: folder, adapter, wantsPrompt }, options);
}

/** The chosen reference for a policy; says what it is and costs. Disposed when the run ends. */
export async function openReference(
  run: Run,
  { model, folder, adapter }: Policy,
  rowSets: readonly RowSet[],
  request: ScoreRequest,
): Promise<Reference> {
  const { strategy, options } = chosenReference(run);
  const context = { run, model, modelFolder: folder, adapter, rowSets, ...request };
  const reference = await strategy.prepare(context, options);
  run.hooks.shutdown.tap('reference', () => reference.dispose());
  run.logger.info(`reference: ${reference.description}`);
  return reference;
}

function chosenReference(run: Run): { strategy: ReferenceStrategy; options: Record<string, unknown> } {
  const { name, options } = run.config.choices['reference']![0]!;
  return { strategy: chosen(run.container, ReferenceToken, name, 'reference'), options };
}

export function disposeReference(logProbs: ReferenceLogProbs | null): void {
  logProbs?.logProb.dispose();
  logProbs?.promptLogProb?.dispose();
}
