// SPDX-License-Identifier: Apache-2.0
import { LossToken } from '@llmf/training';
import type { Plugin } from '@llmf/core';
import { mdpoLoss } from './mdpo.js';

export { mdpoLoss } from './mdpo.js';
export { mdpoOptions, type MdpoOptions } from './options.js';

/** Brings the loss `mdpo`. */
export default function lossMdpo(): Plugin {
  return {
    name: 'loss-mdpo',
    apiVersion: 2,
    description: 'Conditional preference optimization for pictures (mDPO)',
    apply: (engine) => engine.provide(LossToken, mdpoLoss),
  };
}
