// SPDX-License-Identifier: Apache-2.0
/**
 * GPT-J 6B and what is built like it:
 * - attention and MLP side by side behind one LayerNorm, x + attention(norm x) + mlp(norm x)
 * - rotary positions over the first `rotary_dim` values of a head, in pairs of neighbours
 * - no biases in attention; biases in the MLP and in the head
 * Wang and Komatsuzaki, "GPT-J-6B: a 6 billion parameter autoregressive language model", 2021.
 * Reference: Transformers 5.18, models/gptj/modeling_gptj.py.
 * T tokens, C hidden size, F width of the MLP, H heads, D head size.
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
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of GPTJConfig. */
export const gptjConfig = z.looseObject({
  vocab_size: z.int().min(1),
  n_positions: z.int().min(1).default(2048),
  n_embd: z.int().min(1),
  n_layer: z.int().min(1),
  n_head: z.int().min(1),
  /** Rotated values of a head. */
  rotary_dim: z.int().min(2).multipleOf(2, 'an even number').default(64),
  /** Width of the MLP; null: 4 · n_embd. */
  n_inner: z.int().min(1).nullish(),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  initializer_range: z.number().min(0).default(0.02),
  tie_word_embeddings: z.boolean().default(false),
  rotary: z.literal(true, 'true: rotary positions').default(true),
  scale_attn_weights: z.literal(true, 'true: attention scaled by 1/√head size').default(true),
});
type GptjConfig = z.output<typeof gptjConfig>;

class GptjAttention {
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly q_proj: Linear;
  readonly out_proj: Linear;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    width: number,
    private readonly headDim: number,
  ) {
    this.k_proj = parts.linear('k_proj', [width, width], false);
    this.v_proj = parts.linear('v_proj', [width, width], false);
    this.q_proj = parts.linear('q_proj', [width, width], false);
    this.out_proj = parts.linear('out_proj', [width, width], false);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v); // [T, H, D]
    return this.out_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class GptjMlp {
  readonly fc_in: Linear;
  readonly fc_out: Linear;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, config: GptjConfig) {
    const [width, inner] = [config.n_embd, config.n_inner ?? 4 * config.n_embd];
    this.fc_in = parts.linear('fc_in', [inner, width], true);
    this.fc_out = parts.linear('fc_out', [width, inner], true);
    this.activate = activation('gptj', 'activation_function', config.activation_function);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const inner = this.activate(this.fc_in.forward(x, context)); // [T, F]
    return this.fc_out.forward(inner, context); // [T, C]
  }
}

class GptjBlock implements Block {
  readonly ln_1: LayerNorm;
  readonly attn: GptjAttention;
  readonly mlp: GptjMlp;

  constructor(parts: ModelParts, layer: number, config: GptjConfig, headDim: number) {
    this.ln_1 = parts.layerNorm('ln_1', config.n_embd, config.layer_norm_epsilon);
    this.attn = new GptjAttention(parts.at('attn'), layer, config.n_embd, headDim);
    this.mlp = new GptjMlp(parts.at('mlp'), config);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const normed = this.ln_1.forward(x);
    const attended = this.attn.forward(normed, pass);
    return tf.addN([attended, this.mlp.forward(normed, pass.context), x]);
  }
}

class GptjDecoder implements Decoder {
  readonly wte: Embedding;
  readonly h: readonly GptjBlock[];
  readonly ln_f: LayerNorm;
  private readonly rope: RopeOptions;

  constructor(parts: ModelParts, config: GptjConfig) {
    const width = config.n_embd;
    const { headDim } = headCounts('gptj', { hidden_size: width, num_attention_heads: config.n_head });
    this.wte = parts.embedding('wte', [config.vocab_size, width]);
    this.h = parts.list('h', config.n_layer, (of, layer) => new GptjBlock(of, layer, config, headDim));
    this.ln_f = parts.layerNorm('ln_f', width, config.layer_norm_epsilon);
    this.rope = { rotary: rotaryOf(config.rotary_dim, headDim), theta: 10000, interleaved: true };
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.wte.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.ln_f.forward(runBlocks(this.h, embedded, new DecoderPass(context, this.rope)));
  }
}

/** @throws LLMF_NN_CONFIG_VALUE */
function rotaryOf(rotary: number, headDim: number): number {
  if (rotary <= headDim) return rotary;
  const facts = { got: String(rotary), expected: `at most the head size, ${headDim}` };
  throw architectureErrors.configValue({ modelType: 'gptj', key: 'rotary_dim', ...facts });
}

export const gptj = causalArchitecture({
  modelType: 'gptj',
  description: 'GPT-J and checkpoints built like it',
  config: gptjConfig,
  aliases: {
    max_position_embeddings: 'n_positions',
    hidden_size: 'n_embd',
    num_hidden_layers: 'n_layer',
    num_attention_heads: 'n_head',
  },
  paths: { decoder: 'transformer', head: 'lm_head' },
  /** Causal masks and rotary tables. */
  buffers: /\.attn\.(bias|masked_bias|embed_positions)$/,
  build(config, parts, headParts) {
    const decoder = new GptjDecoder(parts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.wte : null;
    const head = headParts.head([config.vocab_size, config.n_embd], { tiedTo, hasBias: true });
    return { decoder, head, contextLength: config.n_positions };
  },
});
