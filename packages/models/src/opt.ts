// SPDX-License-Identifier: Apache-2.0
/**
 * OPT (125M to 66B) and what is built like it (Galactica):
 * - learned positions that begin at 2, LayerNorm before attention and MLP (after them in OPT-350M), ReLU
 * - embeddings narrower than the blocks in OPT-350M, with a projection in and out
 * - biases everywhere unless the config says otherwise; head tied to the embeddings
 * Zhang et al., "OPT: open pre-trained transformer language models", 2022 (arXiv 2205.01068).
 * Reference: Transformers 5.18, models/opt/modeling_opt.py.
 * T tokens, C hidden size, E width of the embeddings, F width of the MLP, H heads, D head size.
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

/** Keys and defaults of OPTConfig. */
export const optConfig = z.looseObject({
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  ffn_dim: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  activation_function: z.string().default('relu'),
  max_position_embeddings: z.int().min(1).default(2048),
  init_std: z.number().min(0).default(0.02),
  do_layer_norm_before: z.boolean().default(true),
  /** Of files tuned before Transformers 4.20.1. */
  _remove_final_layer_norm: z.boolean().default(false),
  /** null: as wide as the blocks. */
  word_embed_proj_dim: z.int().min(1).nullish(),
  enable_bias: z.boolean().default(true),
  layer_norm_elementwise_affine: z.literal(true, 'true: norms with weights').default(true),
  tie_word_embeddings: z.boolean().default(true),
});
type OptConfig = z.output<typeof optConfig>;

/** The reference's LayerNorms are PyTorch's own. */
const epsilon = 1e-5;
/** Positions of the table that stand before a sequence's first. */
const firstPosition = 2;

class OptAttention {
  readonly k_proj: Linear;
  readonly v_proj: Linear;
  readonly q_proj: Linear;
  readonly out_proj: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: OptConfig,
  ) {
    const { hidden_size: width, enable_bias: hasBias } = config;
    this.headDim = headCounts('opt', config).headDim;
    this.k_proj = parts.linear('k_proj', [width, width], hasBias);
    this.v_proj = parts.linear('v_proj', [width, width], hasBias);
    this.q_proj = parts.linear('q_proj', [width, width], hasBias);
    this.out_proj = parts.linear('out_proj', [width, width], hasBias);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.q_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.k_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const v = splitHeads(this.v_proj.forward(x, pass.context), this.headDim); // [T, H, D]
    const attended = pass.attend(this.layer, q, k, v); // [T, H, D]
    return this.out_proj.forward(joinHeads(attended), pass.context); // [T, C]
  }
}

class OptBlock implements Block {
  readonly self_attn: OptAttention;
  readonly self_attn_layer_norm: LayerNorm;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly final_layer_norm: LayerNorm;
  private readonly isNormedBefore: boolean;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, layer: number, config: OptConfig) {
    const { hidden_size: width, ffn_dim: inner, enable_bias: hasBias } = config;
    this.isNormedBefore = config.do_layer_norm_before;
    this.activate = activation('opt', 'activation_function', config.activation_function);
    this.self_attn = new OptAttention(parts.at('self_attn'), layer, config);
    this.self_attn_layer_norm = parts.layerNorm('self_attn_layer_norm', width, epsilon);
    this.fc1 = parts.linear('fc1', [inner, width], hasBias);
    this.fc2 = parts.linear('fc2', [width, inner], hasBias);
    this.final_layer_norm = parts.layerNorm('final_layer_norm', width, epsilon);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended = this.residual(x, this.self_attn_layer_norm, (normed) => this.self_attn.forward(normed, pass));
    return this.residual(attended, this.final_layer_norm, (normed) => {
      const inner = this.activate(this.fc1.forward(normed, pass.context)); // [T, F]
      return this.fc2.forward(inner, pass.context); // [T, C]
    });
  }

  private residual(x: tf.Tensor2D, norm: LayerNorm, part: (x: tf.Tensor2D) => tf.Tensor2D): tf.Tensor2D {
    if (this.isNormedBefore) return tf.add(x, part(norm.forward(x)));
    return norm.forward(tf.add(x, part(x)) as tf.Tensor2D);
  }
}

class OptDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly embed_positions: Embedding;
  readonly project_out: Linear | null;
  readonly project_in: Linear | null;
  readonly final_layer_norm: LayerNorm | null;
  readonly layers: readonly OptBlock[];

  constructor(parts: ModelParts, config: OptConfig) {
    const { hidden_size: width, max_position_embeddings: places } = config;
    const outer = config.word_embed_proj_dim ?? width; // E
    const hasNorm = config.do_layer_norm_before && !config._remove_final_layer_norm;
    this.embed_tokens = parts.embedding('embed_tokens', [config.vocab_size, outer]);
    this.embed_positions = parts.embedding('embed_positions', [places + firstPosition, width]);
    this.project_out = outer === width ? null : parts.linear('project_out', [outer, width], false);
    this.project_in = outer === width ? null : parts.linear('project_in', [width, outer], false);
    this.final_layer_norm = hasNorm ? parts.layerNorm('final_layer_norm', width, epsilon) : null;
    this.layers = parts.list('layers', config.num_hidden_layers, (of, layer) => new OptBlock(of, layer, config));
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids); // [T, E]
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const { positions } = context;
    if (!(positions instanceof Int32Array)) throw architectureErrors.manyPositions({ modelType: 'opt' });
    const words = this.project_in?.forward(embedded, context) ?? embedded; // [T, C]
    const places = this.embed_positions.forward(positions.map((position) => position + firstPosition)); // [T, C]
    const last = runBlocks(this.layers, tf.add(words, places), new DecoderPass(context));
    const normed = this.final_layer_norm?.forward(last) ?? last;
    return this.project_out?.forward(normed, context) ?? normed; // [T, E]
  }
}

export const opt = causalArchitecture({
  modelType: 'opt',
  description: 'OPT and checkpoints built like it',
  config: optConfig,
  paths: { decoder: 'model', head: 'lm_head' },
  build(config, parts, headParts) {
    const decoder = new OptDecoder(parts.at('decoder'), config);
    const tiedTo = config.tie_word_embeddings ? decoder.embed_tokens : null;
    const head = headParts.head([config.vocab_size, decoder.embed_tokens.size], { tiedTo });
    return { decoder, head, contextLength: config.max_position_embeddings };
  },
});
