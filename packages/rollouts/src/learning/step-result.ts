// SPDX-License-Identifier: Apache-2.0
import type { StepResult } from '@llmf/core';
import type { Batch } from '@llmf/training';

/** A step's result: its metrics, and the tokens of all its passes; of none where it learned from nothing. */
export const stepResult = (metrics: Readonly<Record<string, number>>, passes: readonly Batch[]): StepResult => ({
  metrics: Promise.resolve({ ...metrics }),
  tokens: passes.reduce((sum, { tokens }) => sum + tokens, 0),
  computedTokens: passes.reduce((sum, { ids }) => sum + ids.length, 0),
});
