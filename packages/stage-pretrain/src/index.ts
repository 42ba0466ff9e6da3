// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { pretrain } from './pretrain.js';

export { pretrain };

/** Plugin that brings stage `pretrain`. */
export default function stagePretrain(): Plugin {
  return {
    name: 'stage-pretrain',
    apiVersion,
    description: pretrain.description!,
    apply: (engine) => engine.provide(StageToken, pretrain),
  };
}
