// SPDX-License-Identifier: Apache-2.0
/**
 * Falcon (RW-1B, 7B, 40B, 180B, Falcon 2) and what is built like it, in the three forms of its blocks:
 * - RW-1B: attention, then MLP, a LayerNorm before each; ALiBi instead of rotary positions
 * - 7B: attention and MLP side by side behind one LayerNorm; one key head for all query heads
 * - 40B (`new_decoder_architecture`): side by side behind a LayerNorm each (11B: one for both); grouped key heads
 * Queries, keys and values come from one matrix, group by group.
 * Almazrouei et al., "The Falcon series of open language models", 2023 (arXiv 2311.16867), section 4.
 * Reference: Transformers 5.18, models/falcon/modeling_falcon.py, ALiBi rounded to bfloat16 as there.
 * T tokens, C hidden size, F width of the MLP, H query heads, G key heads, D head size.
 */
import {
  activation,
  alibi,
  alibiSlopes,
  causalArchitecture,
  DecoderPass,
  headCounts,
  joinHeads,
  ropeKeys,
  ropeOptions,
  runBlocks,
  tf,
  type Block,
  type Decoder,
  type Embedding,
  type ForwardContext,
  type Ints,
  type LayerNorm,
  type Linear,
  type ModelParts,
  type PassFacts,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of FalconConfig. */
export const falconConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  /** Read by the 40B form, and by the others without `multi_query`; null: as many as query heads. */
  num_kv_heads: z.int().min(1).nullish(),
  /** Width of the MLP; null: 4 · hidden_size. */
  ffn_hidden_size: z.int().min(1).nullish(),
  activation: z.string().default('gelu'),
  max_position_embeddings: z.int().min(1).default(2048),
  initializer_range: z.number().min(0).default(0.02),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  tie_word_embeddings: z.boolean().default(true),
  alibi: z.boolean().default(false),
  new_decoder_architecture: z.boolean().default(false),
  multi_query: z.boolean().default(true),
  parallel_attn: z.boolean().default(true),
  bias: z.boolean().default(false),
  /** LayerNorms of a block whose halves are side by side, in the 40B form; null: 2. */
  num_ln_in_parallel_attn: z.union([z.literal(1), z.literal(2)]).nullish(),
  /** Older spellings, beside the others in the hub's files. */
  n_head: z.unknown().optional(),
  n_layer: z.unknown().optional(),
  apply_residual_connection_post_layernorm: z.literal(false).default(false),
  ...ropeKeys,
});
type FalconConfig = z.output<typeof falconConfig>;

/** Key heads: of the 40B form as the config says, else one or as many as query heads. */
function falconHeads({ hidden_size, num_attention_heads, ...config }: FalconConfig) {
  const grouped = config.new_decoder_architecture ? config.num_kv_heads : null;
  const isSingle = config.multi_query && !config.new_decoder_architecture;
  const num_key_value_heads = isSingle ? 1 : grouped;
  return headCounts('falcon', { hidden_size, num_attention_heads, num_key_value_heads });
}

class FalconAttention {
  readonly query_key_value: Linear;
  readonly dense: Linear;
  private readonly keyHeads: number;
  private readonly perGroup: number; // H / G
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: FalconConfig,
  ) {
    const { heads, keyHeads, headDim } = falconHeads(config);
    const { hidden_size: width, bias: hasBias } = config;
    this.keyHeads = keyHeads;
    this.perGroup = heads / keyHeads;
    this.headDim = headDim;
    this.query_key_value = parts.linear('query_key_value', [(heads + 2 * keyHeads) * headDim, width], hasBias);
    this.dense = parts.linear('dense', [width, width], hasBias);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const tokens = x.shape[0];
    const { keyHeads, perGroup, headDim } = this;
    const joined = this.query_key_value.forward(x, pass.context); // [T, (H + 2G) D]
    const groups = tf.reshape(joined, [tokens, keyHeads, (perGroup + 2) * headDim]); // [T, G, (H/G + 2) D]
    const [q, k, v] = tf.split<tf.Tensor3D>(groups, [perGroup * headDim, headDim, headDim], 2);
    const queries: tf.Tensor3D = tf.reshape(q!, [tokens, keyHeads * perGroup, headDim]); // [T, H, D]
    const attended = pass.attend(this.layer, ...pass.rotate(queries, k!), v!); // [T, H, D]
    return this.dense.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class FalconMlp {
  readonly dense_h_to_4h: Linear;
  readonly dense_4h_to_h: Linear;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, { hidden_size: width, bias: hasBias, ...config }: FalconConfig) {
    const inner = config.ffn_hidden_size ?? 4 * width;
    this.dense_h_to_4h = parts.linear('dense_h_to_4h', [inner, width], hasBias);
    this.dense_4h_to_h = parts.linear('dense_4h_to_h', [width, inner], hasBias);
    this.activate = activation('falcon', 'activation', config.activation);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const inner = this.activate(this.dense_h_to_4h.forward(x, context)); // [T, F]
    return this.dense_4h_to_h.forward(inner, context); // [T, C]
  }
}

/** Attention, then MLP. */
class SequentialBlock implements Block {
  readonly self_attention: FalconAttention;
  readonly mlp: FalconMlp;
  readonly post_attention_layernorm: LayerNorm;
  readonly input_layernorm: LayerNorm;

  constructor(parts: ModelParts, layer: number, config: FalconConfig) {
    const { hidden_size: width, layer_norm_epsilon: epsilon } = config;
    this.self_attention = new FalconAttention(parts.at('self_attention'), layer, config);
    this.mlp = new FalconMlp(parts.at('mlp'), config);
    this.post_attention_layernorm = parts.layerNorm('post_attention_layernorm', width, epsilon);
    this.input_layernorm = parts.layerNorm('input_layernorm', width, epsilon);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attention.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

/** Attention and MLP side by side, behind one LayerNorm or two. */
class ParallelBlock implements Block {
  readonly self_attention: FalconAttention;
  readonly mlp: FalconMlp;
  readonly beforeAttention: LayerNorm;
  readonly beforeMlp: LayerNorm;

  constructor(parts: ModelParts, layer: number, config: FalconConfig) {
    const { hidden_size: width, layer_norm_epsilon: epsilon } = config;
    const hasTwo = config.new_decoder_architecture && (config.num_ln_in_parallel_attn ?? 2) === 2;
    this.self_attention = new FalconAttention(parts.at('self_attention'), layer, config);
    this.mlp = new FalconMlp(parts.at('mlp'), config);
    this.beforeAttention = parts.layerNorm(hasTwo ? 'ln_attn' : 'input_layernorm', width, epsilon);
    this.beforeMlp = hasTwo ? parts.layerNorm('ln_mlp', width, epsilon) : this.beforeAttention;
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const normed = this.beforeAttention.forward(x);
    const forMlp = this.beforeMlp === this.beforeAttention ? normed : this.beforeMlp.forward(x);
    return tf.addN([this.mlp.forward(forMlp, pass.context), this.self_attention.forward(normed, pass), x]);
  }
}

class FalconDecoder implements Decoder {
  readonly word_embeddings: Embedding;
  readonly h: readonly Block[];
  readonly ln_f: LayerNorm;
  private readonly rope: RopeOptions | null;
  private readonly facts: PassFacts;

  constructor(parts: ModelParts, config: FalconConfig) {
    const { vocab_size, hidden_size: width, num_hidden_layers: count } = config;
    const { heads, headDim } = falconHeads(config);
    const BlockForm = config.new_decoder_architecture || config.parallel_attn ? ParallelBlock : SequentialBlock;
    this.word_embeddings = parts.embedding('word_embeddings', [vocab_size, width]);
    this.h = parts.list('h', count, (of, layer) => new BlockForm(of, layer, config));
    this.ln_f = parts.layerNorm('ln_f', width, config.layer_norm_epsilon);
    this.rope = config.alibi ? null : ropeOptions('falcon', config, headDim);
    this.facts = config.alibi ? alibiFacts(heads, headDim) : {};
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.word_embeddings.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.ln_f.forward(runBlocks(this.h, embedded, new DecoderPass(context, this.rope, this.facts)));
  }
}

/** What scores gain is scaled with them, by 1/√D. */
function alibiFacts(heads: number, headDim: number): PassFacts {
  const slopes = alibiSlopes(heads);
  return { bias: (keys) => alibi(slopes, keys, { rounding: 'bf16', factor: 1 / Math.sqrt(headDim) }) };
}

export const falcon = causalArchitecture({
  modelType: 'falcon',
  description: 'Falcon, all sizes, and checkpoints built like them',
  config: falconConfig,
  aliases: { n_embed: 'hidden_size' },
  paths: { decoder: 'transformer', head: 'lm_head' },
  buffers: /\.rotary(_emb)?\.inv_freq$/,
  build(config, parts, headParts) {
    const decoder = new FalconDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.word_embeddings : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
