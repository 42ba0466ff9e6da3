// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, type LossStage } from '@llmf/training';

/** Continued pre-training: the likelihood of every token of plain text. */
export const pretrain: Stage & LossStage = {
  name: 'pretrain',
  description: 'plain text: learn every token',
  rows: 'text',
  defaults: { loss: 'sft' },
  /** QLoRA’s for adapters; Transformers’ TrainingArguments for all weights. */
  learningRates: { adapter: 2e-4, full: 5e-5 },
  parts: async () => ({}),
  prepare: (run) => createLossSession(run, pretrain),
};
