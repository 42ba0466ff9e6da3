// SPDX-License-Identifier: Apache-2.0
/**
 * Phi-3 and 3.5 mini and medium, and Phi-4, whose text models are built alike:
 * - as Llama, with queries, keys and values from one matrix, and gate and up of the MLP from another
 * - rotary positions over part of the head where the config says so; LongRoPE for the long contexts
 * - a sliding window in every layer where the config names one
 * Abdin et al., "Phi-3 technical report", 2024 (arXiv 2404.14219), section 2.
 * Reference: Transformers 5.18, models/phi3/modeling_phi3.py.
 * T tokens, C hidden size, F width of the MLP, H query heads, G key heads, D head size.
 */
import {
  causalArchitecture,
  DecoderPass,
  gatedActivation,
  headCounts,
  joinHeads,
  ropeKeys,
  ropeOptions,
  runBlocks,
  splitHeads,
  tf,
  type Block,
  type Decoder,
  type Embedding,
  type ForwardContext,
  type GatedActivation,
  type Ints,
  type Linear,
  type ModelParts,
  type RmsNorm,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of Phi3Config. */
export const phi3Config = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  num_key_value_heads: z.int().min(1).nullish(),
  hidden_act: z.string().default('silu'),
  max_position_embeddings: z.int().min(1).default(4096),
  initializer_range: z.number().min(0).default(0.02),
  rms_norm_eps: z.number().positive().default(1e-5),
  tie_word_embeddings: z.boolean().default(false),
  attention_bias: z.literal(false, 'false: no biases').default(false),
  /** null: no window. */
  sliding_window: z.int().min(1).nullable().default(null),
  partial_rotary_factor: z.number().positive().max(1).default(1),
  ...ropeKeys,
  original_max_position_embeddings: z.number().positive().default(4096),
});
type Phi3Config = z.output<typeof phi3Config>;

class Phi3Attention {
  readonly qkv_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;
  private readonly widths: [number, number, number]; // of queries, keys and values
  private readonly window: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Phi3Config,
  ) {
    const { heads, keyHeads, headDim } = headCounts('phi3', config);
    const { hidden_size: hidden } = config;
    this.headDim = headDim;
    this.widths = [heads * headDim, keyHeads * headDim, keyHeads * headDim];
    this.window = config.sliding_window ?? 0;
    this.qkv_proj = parts.linear('qkv_proj', [(heads + 2 * keyHeads) * headDim, hidden], false);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], false);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const joined = this.qkv_proj.forward(x, pass.context); // [T, (H + 2G) D]
    const [q, k, v] = tf.split<tf.Tensor2D>(joined, this.widths, 1).map((part) => splitHeads(part, this.headDim));
    const attended = pass.attend(this.layer, ...pass.rotate(q!, k!), v!, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class Phi3Mlp {
  readonly gate_up_proj: Linear;
  readonly down_proj: Linear;
  private readonly gated: GatedActivation;

  constructor(parts: ModelParts, { hidden_size: hidden, intermediate_size: inner, hidden_act }: Phi3Config) {
    this.gate_up_proj = parts.linear('gate_up_proj', [2 * inner, hidden], false);
    this.down_proj = parts.linear('down_proj', [hidden, inner], false);
    this.gated = gatedActivation('phi3', 'hidden_act', hidden_act);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const [gate, up] = tf.split<tf.Tensor2D>(this.gate_up_proj.forward(x, context), 2, 1); // [T, F]
    return this.down_proj.forward(this.gated(gate!, up!), context); // [T, C]
  }
}

class Phi3Block implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: Phi3Attention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: Phi3Mlp;

  constructor(parts: ModelParts, layer: number, config: Phi3Config) {
    const { hidden_size: hidden, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new Phi3Attention(parts.at('self_attn'), layer, config);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    this.mlp = new Phi3Mlp(parts.at('mlp'), config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class Phi3Decoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly Phi3Block[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: Phi3Config) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new Phi3Block(of, layer, config));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    const { rope_scaling, rope_parameters } = config;
    const rope = { ...config, rope_scaling: longRope(rope_scaling), rope_parameters: longRope(rope_parameters) };
    this.rope = ropeOptions('phi3', rope, headCounts('phi3', config).headDim, config.partial_rotary_factor);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope)));
  }
}

/** Earlier files call LongRoPE `su` or `yarn`. */
function longRope<P extends { readonly rope_type?: string | undefined; readonly type?: string | undefined }>(
  parameters: P | null | undefined,
): P | null | undefined {
  const type = parameters?.rope_type ?? parameters?.type;
  return type === 'su' || type === 'yarn' ? { ...parameters!, rope_type: 'longrope' } : parameters;
}

export const phi3 = causalArchitecture({
  modelType: 'phi3',
  description: 'Phi-3, Phi-3.5 and Phi-4, text models',
  config: phi3Config,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new Phi3Decoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
