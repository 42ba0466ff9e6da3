// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession } from '@llmf/training';

/**
 * Preference training on pairs: a prompt, a chosen and a rejected answer. The prompt runs through the model once and
 * both answers branch off it; which loss compares them is the config's choice (DPO, ORPO, SimPO, …).
 */
export const preference: Stage = {
  name: 'preference',
  description: 'pairs of a chosen and a rejected answer, compared by a loss such as dpo, orpo or simpo',
  rows: 'pair',
  prepare: (run) => createLossSession(run, preference),
};
