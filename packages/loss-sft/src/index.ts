// SPDX-License-Identifier: Apache-2.0
import { LossToken } from '@llmf/training';
import type { Plugin } from '@llmf/core';
import { sftLoss } from './sft.js';

export { sftLoss } from './sft.js';
export { sftOptions, type SftOptions } from './options.js';

/** Brings the loss `sft`. */
export default function lossSft(): Plugin {
  return {
    name: 'loss-sft',
    apiVersion: 2,
    description: 'Supervised fine-tuning',
    apply: (engine) => engine.provide(LossToken, sftLoss),
  };
}
