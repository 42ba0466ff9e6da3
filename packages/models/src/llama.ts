// SPDX-License-Identifier: Apache-2.0
/**
 * Llama 2, 3, 3.1, 3.2 and what is built like them (SmolLM, TinyLlama, …):
 * - RMSNorm before attention and MLP, no biases unless the config says so
 * - rotary positions, plain, linear or llama3-scaled
 * - grouped key/value heads, SwiGLU, head tied to the embeddings or of its own
 * Reference: Transformers 5.18, models/llama/modeling_llama.py.
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
  type Attention,
  type DecoderPass,
  type Linear,
  type ModelParts,
  type tf,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of LlamaConfig. */
export const llamaConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullish(),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(2048),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  attention_dropout: z.number().nullish(),
  mlp_bias: z.boolean().default(false),
  ...ropeKeys,
});

class LlamaAttention implements Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;

  constructor(
    parts: ModelParts,
    path: string,
    private readonly layer: number,
    private readonly headDim: number,
    hasBias: boolean,
  ) {
    this.q_proj = parts.linear(`${path}.q_proj`, hasBias);
    this.k_proj = parts.linear(`${path}.k_proj`, hasBias);
    this.v_proj = parts.linear(`${path}.v_proj`, hasBias);
    this.o_proj = parts.linear(`${path}.o_proj`, hasBias);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

export const llama = decoderArchitecture({
  modelType: 'llama',
  description: 'Llama 2 to 3.2 and checkpoints built like them',
  config: llamaConfig,
  shapeOf(config) {
    const heads = headCounts('llama', config);
    return {
      ...heads,
      vocabularySize: config.vocab_size,
      hiddenSize: config.hidden_size,
      intermediateSize: config.intermediate_size,
      layers: config.num_hidden_layers,
      contextLength: config.max_position_embeddings,
      epsilon: config.rms_norm_eps,
      activation: gatedActivation('llama', 'hidden_act', config.hidden_act),
      mlpBias: config.mlp_bias,
      tiedHead: config.tie_word_embeddings,
      rope: ropeOptions('llama', config, heads.headDim),
    };
  },
  attention:
    ({ attention_bias }, { headDim }) =>
    (parts, path, layer) =>
      new LlamaAttention(parts, path, layer, headDim, attention_bias),
  attentionWeights:
    ({ attention_bias }, { hiddenSize, heads, keyHeads, headDim }) =>
    (table, path) =>
      table
        .linear(`${path}.q_proj`, heads * headDim, hiddenSize, attention_bias)
        .linear(`${path}.k_proj`, keyHeads * headDim, hiddenSize, attention_bias)
        .linear(`${path}.v_proj`, keyHeads * headDim, hiddenSize, attention_bias)
        .linear(`${path}.o_proj`, hiddenSize, heads * headDim, attention_bias),
});
