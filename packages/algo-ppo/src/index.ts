// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { ppo } from './ppo.js';

export { experienceOf, type Experience } from './experience.js';
export { ppoOptions, type PpoOptions } from './options.js';
export { ppo } from './ppo.js';
export { ppoLoss, rolloutNumbers, type PpoLossOptions } from './ppo-loss.js';

/** Brings the stage `ppo`. */
export default function algoPpo(): Plugin {
  return {
    name: 'algo-ppo',
    apiVersion,
    description: 'Proximal policy optimization: the stage ppo',
    apply: (engine) => engine.provide(StageToken, ppo),
  };
}
