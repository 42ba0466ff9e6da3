// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { preference } from './preference.js';
import { pretrain } from './pretrain.js';
import { sft } from './sft.js';

export { preference, pretrain, sft };

/** Plugin that brings the stages that minimise losses over rows: `pretrain`, `sft`, `preference`. */
export default function stages(): Plugin {
  return {
    name: 'stages',
    apiVersion,
    description: 'stages that minimise losses over rows: pretrain, sft, preference',
    apply(engine) {
      for (const stage of [pretrain, sft, preference]) engine.provide(StageToken, stage);
    },
  };
}
