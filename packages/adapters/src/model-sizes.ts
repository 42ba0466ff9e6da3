// SPDX-License-Identifier: Apache-2.0
import type { Model } from '@llmf/nn';
import { errors } from './errors.js';

/** What a layer's attention is made of, by the config of the checkpoint. */
export interface ModelSizes {
  readonly layers: number;
  readonly heads: number; // H
  readonly keyHeads: number; // G
  readonly headDim: number; // D
}

/**
 * As PEFT 0.21 finds them for any family (utils/other.py, _prepare_prompt_learning_config): by the names that configs
 * have for them, in the text part of a model that also sees.
 * @throws LLMF_ADAPTERS_SIZES
 */
export function modelSizes({ modelType, config, hiddenSize }: Model): ModelSizes {
  const text = (config['text_config'] ?? config) as Readonly<Record<string, unknown>>;
  const numberOf = (...names: readonly string[]): number => {
    const found = names.map((name) => text[name]).find((value) => typeof value === 'number');
    if (found === undefined) throw errors.sizes({ modelType, missing: names.join(' or ') });
    return found as number;
  };
  const optional = (name: string) => (typeof text[name] === 'number' ? text[name] : null);
  const layers = numberOf('num_hidden_layers', 'num_layers', 'n_layer');
  const heads = numberOf('num_attention_heads', 'n_head', 'num_heads');
  const keyHeads = optional('num_key_value_heads') ?? heads;
  return { layers, heads, keyHeads, headDim: optional('head_dim') ?? hiddenSize / heads };
}
