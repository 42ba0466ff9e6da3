// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, type LossStage } from '@llmf/training';

/** Reward modelling: pairs, or rankings of more answers, the best first. */
export const rewardStage: Stage & LossStage = {
  name: 'reward',
  description: 'pairs or rankings of answers: teach a scalar head which is better',
  rows: 'group',
  defaults: { loss: 'reward' },
  /** TRL’s RewardConfig for adapters; InstructGPT (arXiv:2203.02155, appendix C.2) for all weights. */
  learningRates: { adapter: 1e-4, full: 9e-6 },
  prepare: (run) => createLossSession(run, rewardStage),
};
