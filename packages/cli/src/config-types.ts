// SPDX-License-Identifier: Apache-2.0
import type { Plugin, TrainInput } from '@llmf/core';

/** A choice by name, or by name with its options: `'simpo'`, `{ name: 'simpo', beta: 2 }`. */
export type ChoiceConfig = string | { readonly name?: string; readonly [option: string]: unknown };

/**
 * The config as a program writes it: `llmf.yaml` as an object, with plugins by name or as values. Keys of plugins are
 * open here and checked when the run starts, as in a file.
 */
export interface LlmfConfig {
  readonly plugins?: readonly (string | Plugin)[];
  readonly output?: string;
  readonly train?: TrainInput & { readonly optimizer?: ChoiceConfig; readonly schedule?: ChoiceConfig };
  readonly stage?: ChoiceConfig;
  readonly loss?: ChoiceConfig | readonly (ChoiceConfig & { readonly weight?: number })[];
  readonly backend?: ChoiceConfig;
  readonly [key: string]: unknown;
}
