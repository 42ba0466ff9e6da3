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
  causalArchitecture,
  DecoderPass,
  gatedActivation,
  GatedMlp,
  headCounts,
  joinHeads,
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
  type RmsNorm,
  type RopeOptions,
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
  ...ropeKeys,
});
type MistralConfig = z.output<typeof mistralConfig>;

class MistralAttention {
  readonly q_proj: Linear;
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly o_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: MistralConfig,
    private readonly window: number,
  ) {
    const { heads, keyHeads, headDim } = headCounts('mistral', config);
    const { hidden_size: hidden } = config;
    this.headDim = headDim;
    this.q_proj = parts.linear('q_proj', [heads * headDim, hidden], false);
    this.k_proj = parts.linear('k_proj', [keyHeads * headDim, hidden], false);
    this.v_proj = parts.linear('v_proj', [keyHeads * headDim, hidden], false);
    this.o_proj = parts.linear('o_proj', [hidden, heads * headDim], false);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, G, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.o_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class MistralBlock implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: MistralAttention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: GatedMlp;

  constructor(parts: ModelParts, layer: number, config: MistralConfig, window: number) {
    const { hidden_size: hidden, intermediate_size: inner, rms_norm_eps: epsilon } = config;
    this.input_layernorm = parts.rmsNorm('input_layernorm', hidden, epsilon);
    this.self_attn = new MistralAttention(parts.at('self_attn'), layer, config, window);
    this.post_attention_layernorm = parts.rmsNorm('post_attention_layernorm', hidden, epsilon);
    const gated = gatedActivation('mistral', 'hidden_act', config.hidden_act);
    this.mlp = new GatedMlp(parts.at('mlp'), [hidden, inner], false, gated);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class MistralDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly MistralBlock[];
  readonly norm: RmsNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: MistralConfig) {
    const { vocab_size, hidden_size: hidden, num_hidden_layers: count } = config;
    const windows = windowsByType('mistral', config, config.sliding_window ?? 0, () => true);
    this.embed_tokens = parts.embedding('embed_tokens', [vocab_size, hidden]);
    this.layers = parts.list('layers', count, (of, layer) => new MistralBlock(of, layer, config, windows[layer]!));
    this.norm = parts.rmsNorm('norm', hidden, config.rms_norm_eps);
    this.rope = ropeOptions('mistral', config, headCounts('mistral', config).headDim);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope)));
  }
}

export const mistral = causalArchitecture({
  modelType: 'mistral',
  description: 'Mistral 7B and checkpoints built like it',
  config: mistralConfig,
  paths: { decoder: 'model', head: 'lm_head' },
  buffers: /\.rotary_emb\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new MistralDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
