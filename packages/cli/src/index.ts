// SPDX-License-Identifier: Apache-2.0
export { composeEngine, type ComposeRequest, type Composition } from './compose-engine.js';
export type { ChoiceConfig, LlmfConfig } from './config-types.js';
export { train, type TrainCallOptions } from './train.js';
export type { Plugin, TrainingOutcome, TrainInput } from '@llmf/core';
