// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession } from '@llmf/training';

/** Continued pre-training: the likelihood of every token of plain text. */
export const pretrain: Stage = {
  name: 'pretrain',
  description: 'plain text: learn every token',
  rows: 'text',
  defaults: { loss: 'sft' },
  prepare: (run) => createLossSession(run, pretrain),
};
