// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { sft } from './sft.js';

export { sft };

/** Plugin that brings stage `sft`. */
export default function stageSft(): Plugin {
  return {
    name: 'stage-sft',
    apiVersion,
    description: sft.description!,
    apply: (engine) => engine.provide(StageToken, sft),
  };
}
