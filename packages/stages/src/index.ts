// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { preference } from './preference.js';
import { pretrain } from './pretrain.js';
import { sft } from './sft.js';
import { unpaired } from './unpaired.js';

export { preference, pretrain, sft, unpaired };

/** Plugin that brings the stages that minimise losses over rows: `pretrain`, `sft`, `preference`, `unpaired`. */
export default function stages(): Plugin {
  return {
    name: 'stages',
    apiVersion,
    description: 'stages that minimise losses over rows: pretrain, sft, preference, unpaired',
    apply(engine) {
      for (const stage of [pretrain, sft, preference, unpaired]) engine.provide(StageToken, stage);
    },
  };
}
