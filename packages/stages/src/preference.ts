// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, type LossStage } from '@llmf/training';

/**
 * Preference training on pairs: a prompt, a chosen and a rejected answer. The prompt runs through the model once and
 * both answers branch off it; which loss compares them is the config's choice (DPO, ORPO, SimPO, …).
 */
export const preference: Stage & LossStage = {
  name: 'preference',
  description: 'pairs of a chosen and a rejected answer, compared by a loss such as dpo, orpo or simpo',
  rows: 'pair',
  /** TRL’s DPOConfig for all weights; with adapters its recipe takes 5e-6 and StackLLaMA 2 5e-4: their middle. */
  learningRates: { adapter: 5e-5, full: 1e-6 },
  parts: async () => ({}),
  prepare: (run) => createLossSession(run, preference),
};
