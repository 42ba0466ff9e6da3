// SPDX-License-Identifier: Apache-2.0
import { LossToken } from '@llmf/training';
import type { Plugin } from '@llmf/core';
import { dpoLoss } from './dpo.js';

export { dpoLoss } from './dpo.js';
export { dpoOptions, type DpoOptions } from './options.js';

/** Brings the loss `dpo`. */
export default function lossDpo(): Plugin {
  return {
    name: 'loss-dpo',
    apiVersion: 2,
    description: 'Direct Preference Optimization (DPO) and its variants',
    apply: (engine) => engine.provide(LossToken, dpoLoss),
  };
}
