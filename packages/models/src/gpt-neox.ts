// SPDX-License-Identifier: Apache-2.0
/**
 * GPT-NeoX 20B and what is built like it (Pythia, StableLM alpha, Dolly 2, RedPajama-INCITE):
 * - attention and MLP side by side, x + attention(norm₁ x) + mlp(norm₂ x), or one after the other where the config says so
 * - queries, keys and values from one matrix, head by head; rotary positions over the first quarter of a head
 * - LayerNorm and biases, a head of its own
 * Black et al., "GPT-NeoX-20B", 2022 (arXiv 2204.06745), section 2.1.
 * Reference: Transformers 5.18, models/gpt_neox/modeling_gpt_neox.py.
 * T tokens, C hidden size, F width of the MLP, H heads, D head size.
 */
import {
  activation,
  causalArchitecture,
  DecoderPass,
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
  type Ints,
  type LayerNorm,
  type Linear,
  type ModelParts,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of GPTNeoXConfig. */
export const gptNeoxConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  hidden_act: z.string().default('gelu'),
  max_position_embeddings: z.int().min(1).default(2048),
  initializer_range: z.number().min(0).default(0.02),
  layer_norm_eps: z.number().positive().default(1e-5),
  tie_word_embeddings: z.boolean().default(false),
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
  /** Older spellings of `partial_rotary_factor` and `rope_theta`. */
  rotary_pct: z.number().positive().max(1).default(0.25),
  rotary_emb_base: z.number().positive().nullish(),
  ...ropeKeys,
});
type GptNeoxConfig = z.output<typeof gptNeoxConfig>;

class GptNeoxAttention {
  readonly query_key_value: Linear;
  readonly dense: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: GptNeoxConfig,
  ) {
    const { hidden_size: width, attention_bias: hasBias } = config;
    this.headDim = headCounts('gpt_neox', config).headDim;
    this.query_key_value = parts.linear('query_key_value', [3 * width, width], hasBias);
    this.dense = parts.linear('dense', [width, width], hasBias);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const joined = splitHeads(this.query_key_value.forward(x, pass.context), 3 * this.headDim); // [T, H, 3D]
    const [q, k, v] = tf.split<tf.Tensor3D>(joined, 3, 2); // [T, H, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q!, k!), v!); // [T, H, D]
    return this.dense.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class GptNeoxMlp {
  readonly dense_h_to_4h: Linear;
  readonly dense_4h_to_h: Linear;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, { hidden_size: width, intermediate_size: inner, hidden_act }: GptNeoxConfig) {
    this.dense_h_to_4h = parts.linear('dense_h_to_4h', [inner, width], true);
    this.dense_4h_to_h = parts.linear('dense_4h_to_h', [width, inner], true);
    this.activate = activation('gpt_neox', 'hidden_act', hidden_act);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const inner = this.activate(this.dense_h_to_4h.forward(x, context)); // [T, F]
    return this.dense_4h_to_h.forward(inner, context); // [T, C]
  }
}

class GptNeoxBlock implements Block {
  readonly input_layernorm: LayerNorm;
  readonly post_attention_layernorm: LayerNorm;
  readonly attention: GptNeoxAttention;
  readonly mlp: GptNeoxMlp;
  private readonly isParallel: boolean;

  constructor(parts: ModelParts, layer: number, config: GptNeoxConfig) {
    const { hidden_size: width, layer_norm_eps: epsilon } = config;
    this.isParallel = config.use_parallel_residual;
    this.input_layernorm = parts.layerNorm('input_layernorm', width, epsilon);
    this.post_attention_layernorm = parts.layerNorm('post_attention_layernorm', width, epsilon);
    this.attention = new GptNeoxAttention(parts.at('attention'), layer, config);
    this.mlp = new GptNeoxMlp(parts.at('mlp'), config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attention.forward(this.input_layernorm.forward(x), pass));
    const seen = this.isParallel ? x : attended;
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(seen), pass.context));
  }
}

class GptNeoxDecoder implements Decoder {
  readonly embed_in: Embedding;
  readonly layers: readonly GptNeoxBlock[];
  readonly final_layer_norm: LayerNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: GptNeoxConfig) {
    const { vocab_size, hidden_size: width, num_hidden_layers: count } = config;
    this.embed_in = parts.embedding('embed_in', [vocab_size, width]);
    this.layers = parts.list('layers', count, (of, layer) => new GptNeoxBlock(of, layer, config));
    this.final_layer_norm = parts.layerNorm('final_layer_norm', width, config.layer_norm_eps);
    const rope = { ...config, rope_theta: config.rope_theta ?? config.rotary_emb_base };
    this.rope = ropeOptions('gpt_neox', rope, headCounts('gpt_neox', config).headDim, config.rotary_pct);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_in.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.final_layer_norm.forward(runBlocks(this.layers, embedded, new DecoderPass(context, this.rope)));
  }
}

export const gptNeox = causalArchitecture({
  modelType: 'gpt_neox',
  description: 'GPT-NeoX, Pythia and checkpoints built like them',
  config: gptNeoxConfig,
  paths: { decoder: 'gpt_neox', head: 'embed_out' },
  renames: [[/^lm_head\./, 'embed_out.']],
  /** Causal masks and rotary frequencies. */
  buffers: /\.attention\.(bias|masked_bias|rotary_emb\.inv_freq)$/,
  build(config, parts, headParts) {
    const decoder = new GptNeoxDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_in : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
