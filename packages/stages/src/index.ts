// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { classification } from './classify/classification.js';
import { regression } from './classify/regression.js';
import { tokenClassification } from './classify/token-classification.js';
import { contextual } from './contextual/contextual.js';
import { contrastive } from './contrastive/contrastive.js';
import { masked } from './masked/masked.js';
import { multitask } from './multitask/multitask.js';
import { preference } from './preference.js';
import { pretrain } from './pretrain.js';
import { sft } from './sft.js';
import { unpaired } from './unpaired.js';

export {
  classification,
  contextual,
  contrastive,
  masked,
  multitask,
  preference,
  pretrain,
  regression,
  sft,
  tokenClassification,
  unpaired,
};

const all = [
  pretrain,
  sft,
  preference,
  unpaired,
  masked,
  contextual,
  classification,
  regression,
  tokenClassification,
  contrastive,
  multitask,
];

/** Plugin that brings the stages that minimise losses over rows. */
export default function stages(): Plugin {
  return {
    name: 'stages',
    apiVersion,
    description: `stages that minimise losses over rows: ${all.map(({ name }) => name).join(', ')}`,
    apply(engine) {
      for (const stage of all) engine.provide(StageToken, stage);
    },
  };
}
