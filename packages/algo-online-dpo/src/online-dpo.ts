// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { Rewards } from '@llmf/rollouts';
import { openOnlineDpo, onlineDpoFacts } from './online-dpo-session.js';
import { onlineDpoOptions } from './options.js';

/**
 * Online DPO (Guo et al., "Direct language model alignment from online AI feedback", 2024, arXiv:2402.04792): the policy
 * answers each prompt twice or more, rewards say which answer is better, and a loss of pairs learns from it. The loss is the
 * config's choice: `dpo`, or any other that compares a chosen with a rejected answer.
 */
export const onlineDpo: Stage = {
  name: onlineDpoFacts.name,
  description: 'prompts: of the policy’s own answers the best and the worst become a pair for a loss such as dpo',
  rows: 'prompt',
  defaults: { loss: 'dpo' },
  reads: ['rewards'],
  options: onlineDpoOptions,
  check: (run) => Rewards.check(run, onlineDpoFacts.name),
  prepare: openOnlineDpo,
};
