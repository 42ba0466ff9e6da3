// SPDX-License-Identifier: Apache-2.0
/**
 * GPT-2 (117M to 1.5B, DistilGPT-2, …):
 * - learned positions, LayerNorm with biases before attention and MLP
 * - queries, keys and values from one matrix (c_attn); gelu with the tanh approximation; head tied to the embeddings
 * - matrices stored [in, out] (Conv1D); llmf holds [out, in] and turns them at load and save
 * Radford et al., "Language models are unsupervised multitask learners", 2019.
 * Reference: Transformers 5.18, models/gpt2/modeling_gpt2.py. Dropout inside the model is not applied.
 * T tokens, C hidden size, H heads, D head size.
 */
import {
  activation,
  architectureErrors,
  causalArchitecture,
  DecoderPass,
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
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of GPT2Config. */
export const gpt2Config = z.looseObject({
  vocab_size: z.int().min(1),
  n_positions: z.int().min(1).default(1024),
  n_embd: z.int().min(1),
  n_layer: z.int().min(1),
  n_head: z.int().min(1),
  /** Width of the MLP; null: 4 · n_embd. */
  n_inner: z.int().min(1).nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().min(0).default(0.02),
  tie_word_embeddings: z.boolean().default(true),
  scale_attn_weights: z.literal(true, 'true: attention scaled by 1/√head size').default(true),
  scale_attn_by_inverse_layer_idx: z.literal(false, 'false: the same scale in every layer').default(false),
  /** A trick of the reference's half precision; the maths is the same. */
  reorder_and_upcast_attn: z.boolean().default(false),
  n_ctx: z.int().nullish(),
});
type Gpt2Config = z.output<typeof gpt2Config>;

const conv1d = { transposedOnDisk: true };

/** "scale the weights of residual layers at initialization by a factor of 1/√N", N residual layers (section 2.3). */
const residual = ({ n_layer }: Gpt2Config) => ({ ...conv1d, initScale: 1 / Math.sqrt(2 * n_layer) });

class Gpt2Attention {
  readonly c_attn: Linear;
  readonly c_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: Gpt2Config,
  ) {
    const width = config.n_embd;
    this.headDim = headCounts('gpt2', { hidden_size: width, num_attention_heads: config.n_head }).headDim;
    this.c_attn = parts.linear('c_attn', [3 * width, width], true, conv1d);
    this.c_proj = parts.linear('c_proj', [width, width], true, residual(config));
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const joined = this.c_attn.forward(x, pass.context); // [T, 3C]
    const [q, k, v] = tf.split<tf.Tensor2D>(joined, 3, 1).map((part) => splitHeads(part, this.headDim)); // [T, H, D]
    const attended = pass.attend(this.layer, q!, k!, v!); // [T, H, D]
    return this.c_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class Gpt2Mlp {
  readonly c_fc: Linear;
  readonly c_proj: Linear;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, config: Gpt2Config) {
    const [width, inner] = [config.n_embd, config.n_inner ?? 4 * config.n_embd];
    this.c_fc = parts.linear('c_fc', [inner, width], true, conv1d);
    this.c_proj = parts.linear('c_proj', [width, inner], true, residual(config));
    this.activate = activation('gpt2', 'activation_function', config.activation_function);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const inner = this.activate(this.c_fc.forward(x, context)); // [T, F]
    return this.c_proj.forward(inner, context); // [T, C]
  }
}

class Gpt2Block implements Block {
  readonly ln_1: LayerNorm;
  readonly attn: Gpt2Attention;
  readonly ln_2: LayerNorm;
  readonly mlp: Gpt2Mlp;

  constructor(parts: ModelParts, layer: number, config: Gpt2Config) {
    const { n_embd: width, layer_norm_epsilon: epsilon } = config;
    this.ln_1 = parts.layerNorm('ln_1', width, epsilon);
    this.attn = new Gpt2Attention(parts.at('attn'), layer, config);
    this.ln_2 = parts.layerNorm('ln_2', width, epsilon);
    this.mlp = new Gpt2Mlp(parts.at('mlp'), config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attn.forward(this.ln_1.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.ln_2.forward(attended), pass.context));
  }
}

class Gpt2Decoder implements Decoder {
  readonly wte: Embedding;
  readonly wpe: Embedding;
  readonly h: readonly Gpt2Block[];
  readonly ln_f: LayerNorm;

  constructor(parts: ModelParts, config: Gpt2Config) {
    const width = config.n_embd;
    this.wte = parts.embedding('wte', [config.vocab_size, width]);
    this.wpe = parts.embedding('wpe', [config.n_positions, width]);
    this.h = parts.list('h', config.n_layer, (of, layer) => new Gpt2Block(of, layer, config));
    this.ln_f = parts.layerNorm('ln_f', width, config.layer_norm_epsilon);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.wte.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const { positions } = context;
    if (!(positions instanceof Int32Array)) throw architectureErrors.manyPositions({ modelType: 'gpt2' });
    const x: tf.Tensor2D = tf.add(embedded, this.wpe.forward(positions)); // [T, C]
    return this.ln_f.forward(runBlocks(this.h, x, new DecoderPass(context)));
  }
}

export const gpt2 = causalArchitecture({
  modelType: 'gpt2',
  description: 'GPT-2 and checkpoints built like it',
  config: gpt2Config,
  aliases: {
    max_position_embeddings: 'n_positions',
    hidden_size: 'n_embd',
    num_hidden_layers: 'n_layer',
    num_attention_heads: 'n_head',
  },
  paths: { decoder: 'transformer', head: 'lm_head' },
  /** GPT2ForTokenClassification calls its head `classifier`. */
  classifierHead: (head) => (head.at === 'token' ? { ...head, bias: true, paths: ['classifier'] } : head),
  /** Causal masks. */
  buffers: /\.attn\.(bias|masked_bias)$/,
  build(config, parts, headParts) {
    const decoder = new Gpt2Decoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.wte : null;
    const head = headParts.head([config.vocab_size, config.n_embd], { tiedTo });
    return { decoder, head, contextLength: config.n_positions };
  },
});
