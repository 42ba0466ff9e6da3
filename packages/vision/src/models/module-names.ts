// SPDX-License-Identifier: Apache-2.0
import type { ModuleNames } from '@llmf/nn';

/**
 * Checkpoints on the hub keep the names of the first release, `model.layers` and `visual`. Transformers since 4.52 names
 * the halves `model.language_model` and `model.visual`, and PEFT names an adapter's tensors by what is in memory.
 */
export const moduleNames: ModuleNames = {
  toTransformers: (path) =>
    path
      .replace(/^model\.(?=(embed_tokens|layers|norm)\b)/, 'model.language_model.')
      .replace(/^visual\b/, 'model.visual'),
  /** Also without the first `model.`, as the bare model (without its head) has it. */
  fromTransformers: (path) =>
    path.replace(/^(model\.)?language_model\./, 'model.').replace(/^model\.visual\b/, 'visual'),
};
