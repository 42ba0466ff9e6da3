// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen3, the dense models (0.6B to 32B):
 * - as Llama, without biases unless the config says so
 * - an RMSNorm over each query and key head, before the rotary turn
 * - a head size of its own (128), not C / H
 * - a sliding window in some layers where the config asks for it
 * Reference: Transformers 5.18, models/qwen3/modeling_qwen3.py.
 * T tokens, C hidden size, H query heads, G key heads, D head size.
 */
import {
  decoderArchitecture,
  gatedActivation,
  headCounts,
  joinHeads,
  layerWindows,
  RmsNorm,
  ropeKeys,
  ropeOptions,
  splitHeads,
  windowKeys,
  type Attention,
  type DecoderPass,
  type DecoderShape,
  type Linear,
  type ModelParts,
  type tf,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of Qwen3Config. */
export const qwen3Config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullable().default(32),
  head_dim: z.int().min(2).nullable().default(128),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(32768),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  attention_dropout: z.number().nullish(),
  ...windowKeys,
  ...ropeKeys,
});

class Qwen3Attention implements Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm: RmsNorm;
  readonly k_norm: RmsNorm;

  constructor(
    parts: ModelParts,
    path: string,
    private readonly layer: number,
    private readonly shape: Pick<DecoderShape, 'headDim' | 'epsilon'>,
    hasBias: boolean,
    private readonly window: number,
  ) {
    this.q_proj = parts.linear(`${path}.q_proj`, hasBias);
    this.k_proj = parts.linear(`${path}.k_proj`, hasBias);
    this.v_proj = parts.linear(`${path}.v_proj`, hasBias);
    this.o_proj = parts.linear(`${path}.o_proj`, hasBias);
    this.q_norm = RmsNorm.from(parts, `${path}.q_norm`, shape.epsilon);
    this.k_norm = RmsNorm.from(parts, `${path}.k_norm`, shape.epsilon);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const { headDim } = this.shape;
    const q = this.q_norm.forward(splitHeads(this.q_proj.forward(x, pass.context), headDim)); // [T, H, D]
    const k = this.k_norm.forward(splitHeads(this.k_proj.forward(x, pass.context), headDim)); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

export const qwen3 = decoderArchitecture({
  modelType: 'qwen3',
  description: 'Qwen3, dense models',
  config: qwen3Config,
  shapeOf(config) {
    const heads = headCounts('qwen3', config);
    return {
      ...heads,
      vocabularySize: config.vocab_size,
      hiddenSize: config.hidden_size,
      intermediateSize: config.intermediate_size,
      layers: config.num_hidden_layers,
      contextLength: config.max_position_embeddings,
      epsilon: config.rms_norm_eps,
      activation: gatedActivation('qwen3', 'hidden_act', config.hidden_act),
      mlpBias: false,
      tiedHead: config.tie_word_embeddings,
      rope: ropeOptions('qwen3', config, heads.headDim),
    };
  },
  attention(config, shape) {
    const windows = layerWindows('qwen3', config);
    return (parts, path, layer) =>
      new Qwen3Attention(parts, path, layer, shape, config.attention_bias, windows[layer]!);
  },
  attentionWeights:
    ({ attention_bias }, { hiddenSize, heads, keyHeads, headDim }) =>
    (table, path) =>
      table
        .linear(`${path}.q_proj`, heads * headDim, hiddenSize, attention_bias)
        .linear(`${path}.k_proj`, keyHeads * headDim, hiddenSize, attention_bias)
        .linear(`${path}.v_proj`, keyHeads * headDim, hiddenSize, attention_bias)
        .linear(`${path}.o_proj`, hiddenSize, heads * headDim, attention_bias)
        .norm(`${path}.q_norm`, headDim)
        .norm(`${path}.k_norm`, headDim),
});
