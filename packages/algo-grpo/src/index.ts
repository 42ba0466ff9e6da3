// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { grpo } from './grpo.js';

export { groupAdvantages } from './group-advantages.js';
export { groupScore, lengthPenalty } from './group-scores.js';
export { grpo } from './grpo.js';
export { grpoLoss, type GrpoLossOptions } from './grpo-loss.js';
export { grpoOptions, type GrpoOptions } from './options.js';

/** Brings the stage `grpo`. */
export default function algoGrpo(): Plugin {
  return {
    name: 'algo-grpo',
    apiVersion,
    description: 'Group relative policy optimization and its kin: the stage grpo',
    apply: (engine) => engine.provide(StageToken, grpo),
  };
}
