// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin, type Stage } from '@llmf/core';
import { GuideToken } from '@llmf/nn';
import { ilqlGuide } from './ilql-guide.js';
import { noLoss } from '@llmf/training';
import { openIlql } from './ilql-session.js';
import { ilqlOptions } from './options.js';

export { ilqlGuide } from './ilql-guide.js';
export { ilqlHeads, qNames, targetName, valueName } from './ilql-heads.js';
export { ilqlLoss, type IlqlLossOptions, type RewardScale } from './ilql-loss.js';
export { ilqlOptions, type IlqlOptions } from './options.js';

/** Offline reinforcement learning: answers with rewards, from which Q and V heads and the policy learn. */
export const ilqlStage: Stage = {
  name: 'ilql',
  description: 'answers with rewards: Q and V heads and the policy learn from them offline',
  rows: 'single',
  defaults: { loss: noLoss },
  options: ilqlOptions,
  prepare: openIlql,
};

/** Brings the stage `ilql`, and the guide that decodes with what it trained. */
export default function algoIlql(): Plugin {
  return {
    name: 'algo-ilql',
    apiVersion,
    description: 'implicit language Q-learning (ILQL) from scored answers',
    apply(engine) {
      engine.provide(StageToken, ilqlStage);
      engine.provide(GuideToken, ilqlGuide);
    },
  };
}
