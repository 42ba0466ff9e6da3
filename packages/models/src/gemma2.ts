// SPDX-License-Identifier: Apache-2.0
/**
 * Gemma 2 (2B, 9B, 27B):
 * - token embeddings times √C; RMSNorms that multiply by 1 + weight, before and after attention and MLP
 * - scores of attention and final logits capped softly: cap · tanh(x / cap); a head size and a scale of attention of their own
 * - every second layer with a sliding window, the first of them included
 * - grouped key/value heads, gelu-gated MLP, head tied to the embeddings
 * Gemma Team, "Gemma 2: improving open language models at a practical size", 2024 (arXiv 2408.00118), section 2.
 * Reference: Transformers 5.18, models/gemma2/modeling_gemma2.py, with eager attention.
 * T tokens, C hidden size, H query heads, G key heads, D head size.
 */
import {
  causalArchitecture,
  DecoderPass,
  GatedMlp,
  gatedActivation,
  headCounts,
  joinHeads,
  OffsetRmsNorm,
  ropeKeys,
  ropeOptions,
  runBlocks,
  splitHeads,
  tf,
  windowsByType,
  type Block,
  type Decoder,
  type Embedding,
  type ForwardContext,
  type Ints,
  type Linear,
  type ModelParts,
  type PassFacts,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of Gemma2Config. */
export const gemma2Config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).default(4),
  head_dim: z.int().min(2).default(256),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  max_position_embeddings: z.int().min(1).default(8192),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(true),
  attention_bias: z.boolean().default(false),
  /** Attention is scaled by 1/√ of it. */
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: z.int().min(1).nullable().default(4096),
  layer_types: z.array(z.string()).nullish(),
  /** null: logits as they are. */
  final_logit_softcapping: z.number().positive().nullable().default(30),
  /** null: scores as they are. */
  attn_logit_softcapping: z.number().positive().nullable().default(50),
  use_bidirectional_attention: z.literal(false, 'false: a decoder').nullish(),
  ...ropeKeys,
});
type Gemma2Config = z.output<typeof gemma2Config>;

class Gemma2Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Gemma2Config,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('gemma2', config);
    const { hidden_size: hidden, attention_bias: hasBias } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], hasBias);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], hasBias);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], hasBias);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], hasBias);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class Gemma2Block implements Block {
  readonly self_attn: Gemma2Attention;
  readonly mlp: GatedMlp;
  readonly input_layernorm: OffsetRmsNorm;
  readonly post_attention_layernorm: OffsetRmsNorm;
  readonly pre_feedforward_layernorm: OffsetRmsNorm;
  readonly post_feedforward_layernorm: OffsetRmsNorm;

  constructor(parts: ModelParts, layer: number, config: Gemma2Config, window: number) {
    const { hidden_size: hidden, intermediate_size: inner, rms_norm_eps: epsilon } = config;
    const norm = (name: string) => new OffsetRmsNorm(parts.at(name), hidden, epsilon);
    const gated = gatedActivation('gemma2', 'hidden_activation', config.hidden_activation);
    this.self_attn = new Gemma2Attention(parts.at('self_attn'), layer, config, window);
    this.mlp = new GatedMlp(parts.at('mlp'), [hidden, inner], false, gated);
    this.input_layernorm = norm('input_layernorm');
    this.post_attention_layernorm = norm('post_attention_layernorm');
    this.pre_feedforward_layernorm = norm('pre_feedforward_layernorm');
    this.post_feedforward_layernorm = norm('post_feedforward_layernorm');
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const seen = this.self_attn.forward(this.input_layernorm.forward(x), pass);
    const attended: tf.Tensor2D = tf.add(x, this.post_attention_layernorm.forward(seen));
    const inner = this.mlp.forward(this.pre_feedforward_layernorm.forward(attended), pass.context);
    return tf.add(attended, this.post_feedforward_layernorm.forward(inner));
  }
}

class Gemma2Decoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Gemma2Block[];
  readonly norm: OffsetRmsNorm;
  private readonly rope: RopeOptions;
  private readonly facts: PassFacts;

  constructor(parts: ModelParts, config: Gemma2Config) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count, attn_logit_softcapping: softCap } = config;
    const isSliding = (layer: number) => layer % 2 === 0;
    const windows = windowsByType('gemma2', config, config.sliding_window ?? 0, isSliding);
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Gemma2Block(of, layer, config, windows[layer]!));
    this.norm = new OffsetRmsNorm(parts.at('norm'), hidden, config.rms_norm_eps);
    this.rope = ropeOptions('gemma2', config, config.head_dim);
    this.facts = { scale: config.query_pre_attn_scalar ** -0.5, ...(softCap !== null && { softCap }) };
  }

  embed(ids: Ints): tf.Tensor2D {
    return tf.mul(this.embed_tokens.forward(ids), Math.sqrt(this.embed_tokens.size));
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope, this.facts)));
  }
}

export const gemma2 = causalArchitecture({
  modelType: 'gemma2',
  description: 'Gemma 2',
  config: gemma2Config,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new Gemma2Decoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    const { final_logit_softcapping: softCap } = config;
    return {
      decoder,
      head: { ...head, ...(softCap !== null && { softCap }) },
      contextLength: config.max_position_embeddings,
    };
  },
});
