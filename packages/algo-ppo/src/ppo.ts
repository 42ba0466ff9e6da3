// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { Rollouts } from '@llmf/rollouts';
import { noLoss } from '@llmf/training';
import { ppoOptions } from './options.js';
import { openPpo } from './ppo-session.js';

/**
 * Proximal policy optimization from rewards (Ouyang et al., 2022, arXiv:2203.02155): the policy answers prompts, rewards
 * score the answers, a value head beside the policy tells what was expected, and a KL penalty holds the policy near the
 * one it began as.
 */
export const ppo: Stage = {
  name: 'ppo',
  description: 'prompts: the policy answers, rewards score, clipped updates with a value head (PPO)',
  rows: 'prompt',
  reads: ['rewards'],
  defaults: { loss: noLoss },
  options: ppoOptions,
  check: (run) => Rollouts.check(run, 'ppo'),
  prepare: (run, options) => openPpo(run, options),
};
