// SPDX-License-Identifier: Apache-2.0
/**
 * Gemma 3, the text models (270M, 1B) and the language half of the others:
 * - token embeddings times √C; RMSNorms that multiply by 1 + weight, before and after attention and MLP
 * - an RMSNorm over each query and key head, before the rotary turn; a head size and a scale of attention of their own
 * - most layers with a sliding window and rotary base 10,000, every sixth without and with base 1,000,000
 * - grouped key/value heads, gelu-gated MLP, head tied to the embeddings
 * Gemma Team, "Gemma 3 technical report", 2025 (arXiv 2503.19786), section 2.
 * Reference: Transformers 5.18, models/gemma3/modeling_gemma3.py.
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
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

const oneRope = ropeKeys.rope_parameters;

/** Keys and defaults of Gemma3TextConfig. */
export const gemma3TextConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).default(4),
  head_dim: z.int().min(2).default(256),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  max_position_embeddings: z.int().min(1).default(131072),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-6),
  tie_word_embeddings: z.boolean().default(true),
  attention_bias: z.boolean().default(false),
  /** Attention is scaled by 1/√ of it. */
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: z.int().min(1).nullable().default(4096),
  layer_types: z.array(z.string()).nullish(),
  /** Without layer_types: every layer of this number sees everything. */
  sliding_window_pattern: z.int().min(1).default(6),
  /** null: scores and logits as they are. */
  attn_logit_softcapping: z.literal(null, 'null: Transformers computes Gemma 3 without it').default(null),
  final_logit_softcapping: z.number().positive().nullable().default(null),
  use_bidirectional_attention: z.literal(false, 'false: a decoder').default(false),
  /** One for each kind of layer; earlier files have the three keys below. */
  rope_parameters: z.looseObject({ full_attention: oneRope, sliding_attention: oneRope }).nullish(),
  rope_theta: z.number().positive().nullish(),
  rope_local_base_freq: z.number().positive().nullish(),
  rope_scaling: ropeKeys.rope_scaling,
});
type Gemma3Config = z.output<typeof gemma3TextConfig>;

/** What layers with and without a window share, each kind with its rotary positions. */
interface Gemma3Pass {
  readonly context: ForwardContext;
  readonly full: DecoderPass;
  readonly sliding: DecoderPass;
}

class Gemma3Attention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  readonly q_norm: OffsetRmsNorm;
  readonly k_norm: OffsetRmsNorm;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Gemma3Config,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('gemma3_text', config);
    const { hidden_size: hidden, attention_bias: hasBias, rms_norm_eps: epsilon } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], hasBias);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], hasBias);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], hasBias);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], hasBias);
    this.q_norm = new OffsetRmsNorm(parts.at('q_norm'), headDim, epsilon);
    this.k_norm = new OffsetRmsNorm(parts.at('k_norm'), headDim, epsilon);
  }

  forward(x: tf.Tensor2D, { context, full, sliding }: Gemma3Pass): tf.Tensor2D {
    const pass = this.window === 0 ? full : sliding;
    const q = this.q_norm.forward(splitHeads(this.q_proj.forward(x, context), this.headDim)); // [T, H, D]
    const k = this.k_norm.forward(splitHeads(this.k_proj.forward(x, context), this.headDim)); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), context); // [T, C]
  }
}

class Gemma3Block implements Block<Gemma3Pass> {
  readonly self_attn: Gemma3Attention;
  readonly mlp: GatedMlp;
  readonly input_layernorm: OffsetRmsNorm;
  readonly post_attention_layernorm: OffsetRmsNorm;
  readonly pre_feedforward_layernorm: OffsetRmsNorm;
  readonly post_feedforward_layernorm: OffsetRmsNorm;

  constructor(parts: ModelParts, layer: number, config: Gemma3Config, window: number) {
    const { hidden_size: hidden, intermediate_size: inner, rms_norm_eps: epsilon } = config;
    const norm = (name: string) => new OffsetRmsNorm(parts.at(name), hidden, epsilon);
    const gated = gatedActivation('gemma3_text', 'hidden_activation', config.hidden_activation);
    this.self_attn = new Gemma3Attention(parts.at('self_attn'), layer, config, window);
    this.mlp = new GatedMlp(parts.at('mlp'), [hidden, inner], false, gated);
    this.input_layernorm = norm('input_layernorm');
    this.post_attention_layernorm = norm('post_attention_layernorm');
    this.pre_feedforward_layernorm = norm('pre_feedforward_layernorm');
    this.post_feedforward_layernorm = norm('post_feedforward_layernorm');
  }

  forward(x: tf.Tensor2D, pass: Gemma3Pass): tf.Tensor2D {
    const seen = this.self_attn.forward(this.input_layernorm.forward(x), pass);
    const attended: tf.Tensor2D = tf.add(x, this.post_attention_layernorm.forward(seen));
    const inner = this.mlp.forward(this.pre_feedforward_layernorm.forward(attended), pass.context);
    return tf.add(attended, this.post_feedforward_layernorm.forward(inner));
  }
}

class Gemma3Decoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Gemma3Block[];
  readonly norm: OffsetRmsNorm;
  private readonly full: RopeOptions;
  private readonly sliding: RopeOptions;
  private readonly scale: number;

  constructor(parts: ModelParts, config: Gemma3Config) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count, sliding_window_pattern: pattern } = config;
    const isSliding = (layer: number) => (layer + 1) % pattern !== 0;
    const windows = windowsByType('gemma3_text', config, config.sliding_window ?? 0, isSliding);
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Gemma3Block(of, layer, config, windows[layer]!));
    this.norm = new OffsetRmsNorm(parts.at('norm'), hidden, config.rms_norm_eps);
    [this.full, this.sliding] = ropesOf(config);
    this.scale = config.query_pre_attn_scalar ** -0.5;
  }

  embed(ids: Ints): tf.Tensor2D {
    return tf.mul(this.embed_tokens.forward(ids), Math.sqrt(this.embed_tokens.size));
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const facts = { scale: this.scale };
    const full = new DecoderPass(context, this.full, facts);
    const sliding = new DecoderPass(context, this.sliding, facts);
    return this.norm.forward(runBlocks(this.layers, embedded, { context, full, sliding }));
  }
}

/** Rotary positions of layers without and with a window. */
function ropesOf(config: Gemma3Config): [RopeOptions, RopeOptions] {
  const { max_position_embeddings, rope_parameters, head_dim } = config;
  const kinds = [
    { parameters: rope_parameters?.full_attention, theta: config.rope_theta ?? 1e6, scaling: config.rope_scaling },
    { parameters: rope_parameters?.sliding_attention, theta: config.rope_local_base_freq ?? 1e4, scaling: null },
  ];
  return kinds.map(({ parameters, theta, scaling }) => {
    const rope = { max_position_embeddings, rope_parameters: { ...parameters, ...scaling }, rope_theta: theta };
    return ropeOptions('gemma3_text', rope, head_dim);
  }) as [RopeOptions, RopeOptions];
}

export const gemma3Text = causalArchitecture({
  modelType: 'gemma3_text',
  description: 'Gemma 3, text models',
  config: gemma3TextConfig,
  paths: { decoder: 'model', head: 'lm_head' },
  build(config, parts, headParts) {
    const decoder = new Gemma3Decoder(parts, config);
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
