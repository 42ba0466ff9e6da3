// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen 1.5, Qwen2 and Qwen2.5, and the language half of Qwen2-VL and Qwen2.5-VL:
 * - as Llama, with biases on queries, keys and values but none on the output
 * - a sliding window in some layers where the config asks for it
 * - multimodal rotary positions where the config has an `mrope_section`
 * Reference: Transformers 5.18, models/qwen2/modeling_qwen2.py.
 * T tokens, C hidden size, H query heads, G key heads, D head size.
 */
import {
  decoderArchitecture,
  gatedActivation,
  headCounts,
  joinHeads,
  layerWindows,
  ropeKeys,
  ropeOptions,
  splitHeads,
  windowKeys,
  type Attention,
  type DecoderPass,
  type Linear,
  type ModelParts,
  type tf,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of Qwen2Config. */
export const qwen2Config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(32),
  head_dim: z.int().min(2).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(32768),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_dropout: z.number().nullish(),
  ...windowKeys,
  ...ropeKeys,
});

class Qwen2Attention implements Attention {
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
    this.q_proj = parts.linear(`${path}.q_proj`, true);
    this.k_proj = parts.linear(`${path}.k_proj`, true);
    this.v_proj = parts.linear(`${path}.v_proj`, true);
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

export const qwen2 = decoderArchitecture({
  modelType: 'qwen2',
  description: 'Qwen 1.5, Qwen2 and Qwen2.5',
  config: qwen2Config,
  shapeOf(config) {
    const heads = headCounts('qwen2', config);
    return {
      ...heads,
      vocabularySize: config.vocab_size,
      hiddenSize: config.hidden_size,
      intermediateSize: config.intermediate_size,
      layers: config.num_hidden_layers,
      contextLength: config.max_position_embeddings,
      epsilon: config.rms_norm_eps,
      activation: gatedActivation('qwen2', 'hidden_act', config.hidden_act),
      mlpBias: false,
      tiedHead: config.tie_word_embeddings,
      rope: ropeOptions('qwen2', config, heads.headDim),
    };
  },
  attention(config, { headDim }) {
    const windows = layerWindows('qwen2', config);
    return (parts, path, layer) => new Qwen2Attention(parts, path, layer, headDim, windows[layer]!);
  },
  attentionWeights:
    (_, { hiddenSize, heads, keyHeads, headDim }) =>
    (table, path) =>
      table
        .linear(`${path}.q_proj`, heads * headDim, hiddenSize, true)
        .linear(`${path}.k_proj`, keyHeads * headDim, hiddenSize, true)
        .linear(`${path}.v_proj`, keyHeads * headDim, hiddenSize, true)
        .linear(`${path}.o_proj`, hiddenSize, heads * headDim, false),
});
