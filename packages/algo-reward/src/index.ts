// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { LossToken } from '@llmf/training';
import { rewardLoss } from './reward-loss.js';
import { rewardStage } from './reward-stage.js';

export { rewardOptions, type RewardOptions } from './options.js';
export { rewardLoss, scoreHead } from './reward-loss.js';
export { rewardStage } from './reward-stage.js';

/** Brings the stage `reward` and its loss. */
export default function algoReward(): Plugin {
  return {
    name: 'algo-reward',
    apiVersion,
    description: 'reward models from pairs and rankings of answers',
    apply(engine) {
      engine.provide(LossToken, rewardLoss);
      engine.provide(StageToken, rewardStage);
    },
  };
}
