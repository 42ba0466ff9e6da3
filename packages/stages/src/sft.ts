// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, type LossStage } from '@llmf/training';

/** Supervised fine-tuning: the likelihood of the answers (of every counted turn of a chat). */
export const sft: Stage & LossStage = {
  name: 'sft',
  description: 'prompts with answers, or chats: learn the answers',
  rows: 'single',
  defaults: { loss: 'sft' },
  /** QLoRA (Dettmers et al., 2023, table 9) for adapters; TRL’s SFTConfig for all weights. */
  learningRates: { adapter: 2e-4, full: 2e-5 },
  parts: async () => ({}),
  prepare: (run) => createLossSession(run, sft),
};
