// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession } from '@llmf/training';

/** Supervised fine-tuning: the likelihood of the answers (of every counted turn of a chat). */
export const sft: Stage = {
  name: 'sft',
  description: 'prompts with answers, or chats: learn the answers',
  rows: 'single',
  defaults: { loss: 'sft' },
  prepare: (run) => createLossSession(run, sft),
};
