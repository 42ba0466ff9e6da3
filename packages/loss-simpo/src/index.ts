// SPDX-License-Identifier: Apache-2.0
import { LossToken } from '@llmf/training';
import type { Plugin } from '@llmf/core';
import { simpoLoss } from './simpo.js';

export { simpoLoss } from './simpo.js';
export { simpoOptions, type SimpoOptions } from './options.js';

/** Brings the loss `simpo`. */
export default function lossSimpo(): Plugin {
  return {
    name: 'loss-simpo',
    apiVersion: 2,
    description: 'Simple Preference Optimization (SimPO), with AlphaPO and the likelihood term of CPO',
    apply: (engine) => engine.provide(LossToken, simpoLoss),
  };
}
