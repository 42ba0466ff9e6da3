// SPDX-License-Identifier: Apache-2.0
import { architectureErrors } from './architecture-errors.js';

interface HeadConfig {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads?: number | null | undefined;
  readonly head_dim?: number | null | undefined;
}

export interface HeadCounts {
  readonly heads: number; // H
  readonly keyHeads: number; // G
  readonly headDim: number; // D
}

/** Heads and their size; as many key heads as query heads, and C/H, where the config is silent. @throws LLMF_NN_CONFIG_VALUE */
export function headCounts(modelType: string, config: HeadConfig): HeadCounts {
  const heads = config.num_attention_heads;
  const keyHeads = config.num_key_value_heads ?? heads;
  if (heads % keyHeads !== 0) {
    const facts = { got: String(keyHeads), expected: `a number that divides num_attention_heads (${heads})` };
    throw architectureErrors.configValue({ modelType, key: 'num_key_value_heads', ...facts });
  }
  const headDim = config.head_dim ?? config.hidden_size / heads;
  if (!Number.isInteger(headDim)) {
    const facts = { got: String(config.hidden_size), expected: `a multiple of num_attention_heads (${heads})` };
    throw architectureErrors.configValue({ modelType, key: 'hidden_size', ...facts });
  }
  return { heads, keyHeads, headDim };
}
