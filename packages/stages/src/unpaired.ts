// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, type LossStage } from '@llmf/training';

/** Unpaired preferences: a prompt and one answer that is labelled good or bad; a pair serves as one of each. */
export const unpaired: Stage & LossStage = {
  name: 'unpaired',
  description: 'answers labelled good or bad, each for itself, for a loss such as kto',
  rows: 'labelled',
  /** TRL’s KTOConfig for all weights; with adapters as for pairs. */
  learningRates: { adapter: 5e-5, full: 1e-6 },
  parts: async () => ({}),
  prepare: (run) => createLossSession(run, unpaired),
};
