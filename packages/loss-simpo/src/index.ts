// SPDX-License-Identifier: Apache-2.0
import { LossToken, type Plugin } from '@llmf/core';
import { simpoLoss } from './simpo.js';

export { simpoLoss } from './simpo.js';
export { simpoOptions, type SimpoOptions } from './options.js';

/** Brings the loss `simpo`. */
export default function lossSimpo(): Plugin {
  return {
    name: 'loss-simpo',
    apiVersion: 1,
    description: 'Simple Preference Optimization (SimPO), with AlphaPO and the likelihood term of CPO',
    apply: (engine) => engine.provide(LossToken, simpoLoss),
  };
}
