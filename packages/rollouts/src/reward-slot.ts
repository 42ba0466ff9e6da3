// SPDX-License-Identifier: Apache-2.0
import type { Slot } from '@llmf/core';
import { RewardToken } from './contracts/reward.js';

/** What `rewards:` says where no stage asks for one. */
export const noReward = 'none';

/** `rewards:` of the config. */
export const rewardSlot: Slot = {
  key: 'rewards',
  token: RewardToken,
  description: 'What scores the answers that an online stage writes: one reward, or a list with weights.',
  default: noReward,
  many: true,
  brought: true,
  none: [noReward],
  readOnRequest: true,
};
