// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { Rollouts } from '@llmf/rollouts';
import { noLoss } from '@llmf/training';
import { openGrpo } from './grpo-session.js';
import { grpoOptions } from './options.js';

/**
 * Group relative policy optimization (Shao et al., 2024, arXiv:2402.03300): several answers to a prompt are compared with
 * one another, so that no value function is needed. Dr. GRPO, DAPO, GSPO and RLOO are variants of it.
 */
export const grpo: Stage = {
  name: 'grpo',
  description: 'prompts: groups of answers, compared with one another (GRPO, Dr. GRPO, DAPO, GSPO, RLOO)',
  rows: 'prompt',
  reads: ['rewards'],
  defaults: { loss: noLoss },
  options: grpoOptions,
  check: (run) => Rollouts.check(run, 'grpo'),
  prepare: (run, options) => openGrpo(run, options),
};
