// SPDX-License-Identifier: Apache-2.0
/**
 * BLOOM (560M to 176B) and BLOOMZ:
 * - ALiBi instead of positions: a head's score of key j gains slope · j
 * - LayerNorm over the token embeddings, LayerNorms and biases everywhere
 * - queries, keys and values from one matrix, head by head; gelu with the tanh approximation; head tied to the embeddings
 * BigScience Workshop, "BLOOM: a 176B-parameter open-access multilingual language model", 2022 (arXiv 2211.05100),
 * section 3.2; Press et al., "Train short, test long", 2022 (arXiv 2108.12409).
 * Reference: Transformers 5.18, models/bloom/modeling_bloom.py.
 * T tokens, C hidden size, H heads, D head size.
 */
import {
  alibi,
  alibiSlopes,
  causalArchitecture,
  DecoderPass,
  gelu,
  headCounts,
  joinHeads,
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
  type PassFacts,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of BloomConfig. */
export const bloomConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  n_layer: z.int().min(1),
  n_head: z.int().min(1),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().min(0).default(0.02),
  /** What is added to is the LayerNorm's output rather than its input. */
  apply_residual_connection_post_layernorm: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  /** Context of training; ALiBi itself has no end. */
  seq_length: z.int().min(1).default(2048),
  /** Changes the order of a sum alone. */
  slow_but_exact: z.boolean().default(false),
  attention_softmax_in_fp32: z.unknown().optional(),
  bias_dropout_fusion: z.unknown().optional(),
  masked_softmax_fusion: z.unknown().optional(),
  offset_alibi: z.unknown().optional(),
  skip_bias_add: z.unknown().optional(),
  skip_bias_add_qkv: z.unknown().optional(),
  unk_token_id: z.unknown().optional(),
});
type BloomConfig = z.output<typeof bloomConfig>;

class BloomAttention {
  readonly query_key_value: Linear;
  readonly dense: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    { hidden_size: width, n_head }: BloomConfig,
  ) {
    this.headDim = headCounts('bloom', { hidden_size: width, num_attention_heads: n_head }).headDim;
    this.query_key_value = parts.linear('query_key_value', [3 * width, width], true);
    this.dense = parts.linear('dense', [width, width], true);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const joined = splitHeads(this.query_key_value.forward(x, pass.context), 3 * this.headDim); // [T, H, 3D]
    const [q, k, v] = tf.split<tf.Tensor3D>(joined, 3, 2); // [T, H, D]
    const attended = pass.attend(this.layer, q!, k!, v!); // [T, H, D]
    return this.dense.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class BloomMlp {
  readonly dense_h_to_4h: Linear;
  readonly dense_4h_to_h: Linear;

  constructor(parts: ModelParts, width: number) {
    this.dense_h_to_4h = parts.linear('dense_h_to_4h', [4 * width, width], true);
    this.dense_4h_to_h = parts.linear('dense_4h_to_h', [width, 4 * width], true);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const inner = gelu(this.dense_h_to_4h.forward(x, context), 'tanh'); // [T, 4C]
    return this.dense_4h_to_h.forward(inner, context); // [T, C]
  }
}

class BloomBlock implements Block {
  readonly input_layernorm: LayerNorm;
  readonly self_attention: BloomAttention;
  readonly post_attention_layernorm: LayerNorm;
  readonly mlp: BloomMlp;
  private readonly addsToNormed: boolean;

  constructor(parts: ModelParts, layer: number, config: BloomConfig) {
    const { hidden_size: width, layer_norm_epsilon: epsilon } = config;
    this.addsToNormed = config.apply_residual_connection_post_layernorm;
    this.input_layernorm = parts.layerNorm('input_layernorm', width, epsilon);
    this.self_attention = new BloomAttention(parts.at('self_attention'), layer, config);
    this.post_attention_layernorm = parts.layerNorm('post_attention_layernorm', width, epsilon);
    this.mlp = new BloomMlp(parts.at('mlp'), width);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const normed = this.input_layernorm.forward(x);
    const attended: tf.Tensor2D = tf.add(this.addsToNormed ? normed : x, this.self_attention.forward(normed, pass));
    const again = this.post_attention_layernorm.forward(attended);
    return tf.add(this.addsToNormed ? again : attended, this.mlp.forward(again, pass.context));
  }
}

class BloomDecoder implements Decoder {
  readonly word_embeddings: Embedding;
  readonly word_embeddings_layernorm: LayerNorm;
  readonly h: readonly BloomBlock[];
  readonly ln_f: LayerNorm;
  private readonly facts: PassFacts;

  constructor(parts: ModelParts, config: BloomConfig) {
    const { vocab_size, hidden_size: width, layer_norm_epsilon: epsilon } = config;
    this.word_embeddings = parts.embedding('word_embeddings', [vocab_size, width]);
    this.word_embeddings_layernorm = parts.layerNorm('word_embeddings_layernorm', width, epsilon);
    this.h = parts.list('h', config.n_layer, (of, layer) => new BloomBlock(of, layer, config));
    this.ln_f = parts.layerNorm('ln_f', width, epsilon);
    const slopes = alibiSlopes(config.n_head);
    this.facts = { bias: (keys) => alibi(slopes, keys) };
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.word_embeddings.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const x = this.word_embeddings_layernorm.forward(embedded);
    return this.ln_f.forward(runBlocks(this.h, x, new DecoderPass(context, null, this.facts)));
  }
}

export const bloom = causalArchitecture({
  modelType: 'bloom',
  description: 'BLOOM and BLOOMZ',
  config: bloomConfig,
  aliases: { n_embed: 'hidden_size', num_hidden_layers: 'n_layer', num_attention_heads: 'n_head' },
  paths: { decoder: 'transformer', head: 'lm_head' },
  build(config, parts, headParts) {
    const decoder = new BloomDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.word_embeddings : null;
    const head = headParts.head([config.vocab_size, config.hidden_size], { tiedTo });
    return { decoder, head, contextLength: config.seq_length };
  },
});
