// SPDX-License-Identifier: Apache-2.0
/**
 * Mistral 7B (v0.1 with its sliding window, later ones without) and what is built like it:
 * - as Llama, without biases
 * - a sliding window in every layer, or with `layer_types` (Ministral 8B) in some: a token sees itself and the
 *   `sliding_window` − 1 tokens before it
 * Reference: Transformers 5.18, models/mistral/modeling_mistral.py; with `layer_types` models/ministral.
 * T tokens, C hidden size, H query heads, G key heads, D head size.
 */
import {
  decoderArchitecture,
  gatedActivation,
  headCounts,
  joinHeads,
  ropeKeys,
  ropeOptions,
  splitHeads,
  windowsByType,
  type Attention,
  type DecoderPass,
  type Linear,
  type ModelParts,
  type tf,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of MistralConfig. */
export const mistralConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(8),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(131072),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  /** null: no window; left out: 4096, as in the reference. */
  sliding_window: z.int().min(1).nullable().default(4096),
  layer_types: z.array(z.string()).nullish(),
  attention_dropout: z.number().nullish(),
  ...ropeKeys,
});

class MistralAttention implements Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;

  constructor(
    parts: ModelParts,
    path: string,
    private readonly layer: number,
    private readonly headDim: number,
    private readonly window: number,
  ) {
    this.q_proj = parts.linear(`${path}.q_proj`, false);
    this.k_proj = parts.linear(`${path}.k_proj`, false);
    this.v_proj = parts.linear(`${path}.v_proj`, false);
    this.o_proj = parts.linear(`${path}.o_proj`, false);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

export const mistral = decoderArchitecture({
  modelType: 'mistral',
  description: 'Mistral 7B and checkpoints built like it',
  config: mistralConfig,
  shapeOf(config) {
    const heads = headCounts('mistral', config);
    return {
      ...heads,
      vocabularySize: config.vocab_size,
      hiddenSize: config.hidden_size,
      intermediateSize: config.intermediate_size,
      layers: config.num_hidden_layers,
      contextLength: config.max_position_embeddings,
      epsilon: config.rms_norm_eps,
      activation: gatedActivation('mistral', 'hidden_act', config.hidden_act),
      mlpBias: false,
      tiedHead: config.tie_word_embeddings,
      rope: ropeOptions('mistral', config, heads.headDim),
    };
  },
  attention(config, { headDim }) {
    const windows = windowsByType('mistral', config, config.sliding_window ?? 0, () => true);
    return (parts, path, layer) => new MistralAttention(parts, path, layer, headDim, windows[layer]!);
  },
  attentionWeights:
    (_, { hiddenSize, heads, keyHeads, headDim }) =>
    (table, path) =>
      table
        .linear(`${path}.q_proj`, heads * headDim, hiddenSize, false)
        .linear(`${path}.k_proj`, keyHeads * headDim, hiddenSize, false)
        .linear(`${path}.v_proj`, keyHeads * headDim, hiddenSize, false)
        .linear(`${path}.o_proj`, hiddenSize, heads * headDim, false),
});
