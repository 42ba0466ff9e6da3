// SPDX-License-Identifier: Apache-2.0
import { apiVersion, type Plugin } from '@llmf/core';
import { RewardToken } from './contracts/reward.js';
import { rewardSlot } from './reward-slot.js';
import { endpointReward } from './rewards/endpoint-reward.js';
import { functionReward } from './rewards/function-reward.js';
import { modelReward } from './rewards/model-reward.js';

/** What online algorithms share: the choice of rewards, and the parts that they compose. */
export function rollouts(): Plugin {
  return {
    name: 'rollouts',
    apiVersion,
    description: 'rewards for answers that a model writes: functions of yours, servers, reward models',
    apply(engine) {
      engine.slot(rewardSlot);
      for (const reward of [functionReward, endpointReward, modelReward]) engine.provide(RewardToken, reward);
    },
  };
}
