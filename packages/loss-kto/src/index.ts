// SPDX-License-Identifier: Apache-2.0
import { LossToken } from '@llmf/training';
import type { Plugin } from '@llmf/core';
import { ktoLoss } from './kto.js';

export { ktoLoss } from './kto.js';
export { ktoOptions, type KtoOptions } from './options.js';

/** Brings the loss `kto`. */
export default function lossKto(): Plugin {
  return {
    name: 'loss-kto',
    apiVersion: 2,
    description: 'Kahneman-Tversky Optimization (KTO) on answers labelled good or bad',
    apply: (engine) => engine.provide(LossToken, ktoLoss),
  };
}
