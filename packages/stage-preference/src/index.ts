// SPDX-License-Identifier: Apache-2.0
import { apiVersion, StageToken, type Plugin } from '@llmf/core';
import { preference } from './preference.js';

export { preference };

/** Plugin that brings stage `preference`. */
export default function stagePreference(): Plugin {
  return {
    name: 'stage-preference',
    apiVersion,
    description: preference.description!,
    apply: (engine) => engine.provide(StageToken, preference),
  };
}
