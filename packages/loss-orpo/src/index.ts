// SPDX-License-Identifier: Apache-2.0
import { LossToken } from '@llmf/training';
import type { Plugin } from '@llmf/core';
import { orpoLoss } from './orpo.js';

export { orpoLoss } from './orpo.js';
export { orpoOptions, type OrpoOptions } from './options.js';

/** Brings the loss `orpo`. */
export default function lossOrpo(): Plugin {
  return {
    name: 'loss-orpo',
    apiVersion: 2,
    description: 'Odds Ratio Preference Optimization (ORPO)',
    apply: (engine) => engine.provide(LossToken, orpoLoss),
  };
}
