// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { onlineDpo } from './online-dpo.js';

export { onlineDpo } from './online-dpo.js';
export { onlineDpoOptions, type OnlineDpoOptions } from './options.js';
export { pairOf, type AnswerPair } from './pairs.js';

/** Brings the stage `online-dpo`. */
export default function algoOnlineDpo(): Plugin {
  return {
    name: 'algo-online-dpo',
    apiVersion,
    description: 'Online DPO: the stage online-dpo, for losses of pairs',
    apply: (engine) => engine.provide(StageToken, onlineDpo),
  };
}
