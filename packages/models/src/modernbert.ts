// SPDX-License-Identifier: Apache-2.0
/**
 * ModernBERT:
 * - an encoder: every token sees all of its sequence; in two of three layers those near it only
 * - rotary positions, with another base where there is a window
 * - LayerNorm (mostly without bias) before attention and MLP, but not before the first attention; a gated MLP (GeGLU)
 * - fused queries, keys and values; a head for masked tokens: dense, gelu, LayerNorm, then the embeddings
 * Warner et al., "Smarter, better, faster, longer", 2024 (arXiv 2412.13663), section 2.1.
 * Reference: Transformers 5.18, models/modernbert/modeling_modernbert.py.
 * T tokens, C hidden size, F width of the MLP, H heads, D head size.
 */
import {
  DecoderPass,
  activation,
  encoderArchitecture,
  gatedActivation,
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
  type GatedActivation,
  type Ints,
  type LayerNorm,
  type Linear,
  type ModelParts,
  type RopeOptions,
} from '@llmf/nn';
import { z } from 'zod';

const oneRope = ropeKeys.rope_parameters;

/** Keys and defaults of ModernBertConfig. */
export const modernbertConfig = z.looseObject({
  /** Says whether the file holds the head of masked tokens. */
  architectures: z.array(z.string()).nullish(),
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  hidden_activation: z.string().default('gelu'),
  max_position_embeddings: z.int().min(1).default(8192),
  initializer_range: z.number().min(0).default(0.02),
  initializer_cutoff_factor: z.unknown().optional(),
  norm_eps: z.number().positive().default(1e-5),
  norm_bias: z.boolean().default(false),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  decoder_bias: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
  /** Of the head of masked tokens too. */
  classifier_bias: z.boolean().default(false),
  classifier_activation: z.string().default('gelu'),
  /** Tokens that a window spans: half of it on each side. */
  local_attention: z.int().min(1).default(128),
  layer_types: z.array(z.string()).nullish(),
  /** Without layer_types: every layer of this number sees everything, the first among them. */
  global_attn_every_n_layers: z.int().min(1).default(3),
  /** One for each kind of layer; earlier files have the two keys below. */
  rope_parameters: z.looseObject({ full_attention: oneRope, sliding_attention: oneRope }).nullish(),
  global_rope_theta: z.number().positive().nullish(),
  local_rope_theta: z.number().positive().nullish(),
});
type ModernBertConfig = z.output<typeof modernbertConfig>;

/** What layers with and without a window share, each kind with its rotary positions. */
interface ModernBertPass {
  readonly context: ForwardContext;
  readonly full: DecoderPass;
  readonly sliding: DecoderPass;
}

class ModernBertAttention {
  readonly Wqkv: Linear;
  readonly Wo: Linear;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: ModernBertConfig,
    private readonly window: number,
  ) {
    const { hidden_size: width, attention_bias: hasBias } = config;
    this.headDim = headCounts('modernbert', config).headDim;
    this.Wqkv = parts.linear('Wqkv', [3 * width, width], hasBias);
    this.Wo = parts.linear('Wo', [width, width], hasBias);
  }

  forward(x: tf.Tensor2D, { context, full, sliding }: ModernBertPass): tf.Tensor2D {
    const pass = this.window === 0 ? full : sliding;
    const fused = tf.split(this.Wqkv.forward(x, context), 3, 1) as tf.Tensor2D[]; // [T, C] each
    const [q, k, v] = fused.map((part) => splitHeads(part, this.headDim)) as [tf.Tensor3D, tf.Tensor3D, tf.Tensor3D];
    const attended = pass.attend(this.layer, ...pass.rotate(q, k), v, this.window); // [T, H, D]
    return this.Wo.forward(joinHeads(attended), context); // [T, C]
  }
}

class ModernBertMlp {
  readonly Wi: Linear;
  readonly Wo: Linear;
  private readonly gated: GatedActivation;

  constructor(parts: ModelParts, config: ModernBertConfig) {
    const { hidden_size: width, intermediate_size: inner, mlp_bias: hasBias } = config;
    this.Wi = parts.linear('Wi', [2 * inner, width], hasBias);
    this.Wo = parts.linear('Wo', [width, inner], hasBias);
    this.gated = gatedActivation('modernbert', 'hidden_activation', config.hidden_activation);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const [gate, up] = tf.split(this.Wi.forward(x, context), 2, 1) as [tf.Tensor2D, tf.Tensor2D]; // [T, F]
    return this.Wo.forward(this.gated(gate, up), context); // [T, C]
  }
}

class ModernBertBlock implements Block<ModernBertPass> {
  readonly attn_norm: LayerNorm | null;
  readonly attn: ModernBertAttention;
  readonly mlp_norm: LayerNorm;
  readonly mlp: ModernBertMlp;

  constructor(parts: ModelParts, layer: number, config: ModernBertConfig, window: number) {
    const norm = (name: string) => parts.layerNorm(name, config.hidden_size, config.norm_eps, config.norm_bias);
    this.attn_norm = layer === 0 ? null : norm('attn_norm'); // the embeddings' norm stands before the first
    this.attn = new ModernBertAttention(parts.at('attn'), layer, config, window);
    this.mlp_norm = norm('mlp_norm');
    this.mlp = new ModernBertMlp(parts.at('mlp'), config);
  }

  forward(x: tf.Tensor2D, pass: ModernBertPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attn.forward(this.attn_norm?.forward(x) ?? x, pass));
    return tf.add(attended, this.mlp.forward(this.mlp_norm.forward(attended), pass.context));
  }
}

class ModernBertEncoder implements Decoder {
  readonly tok_embeddings: Embedding;
  readonly norm: LayerNorm;
  readonly layers: readonly ModernBertBlock[];
  readonly final_norm: LayerNorm;
  private readonly full: RopeOptions;
  private readonly sliding: RopeOptions;

  constructor(parts: ModelParts, config: ModernBertConfig) {
    const { vocab_size, hidden_size: width, norm_eps: epsilon, norm_bias: hasBias, local_attention: local } = config;
    const isSliding = (layer: number) => layer % config.global_attn_every_n_layers !== 0;
    const windows = windowsByType('modernbert', config, Math.floor(local / 2) + 1, isSliding);
    this.tok_embeddings = parts.embedding('embeddings.tok_embeddings', [vocab_size, width]);
    this.norm = parts.layerNorm('embeddings.norm', width, epsilon, hasBias);
    this.layers = parts.list(
      'layers',
      config.num_hidden_layers,
      (of, layer) => new ModernBertBlock(of, layer, config, windows[layer]!),
    );
    this.final_norm = parts.layerNorm('final_norm', width, epsilon, hasBias);
    this.full = ropeOf(config, config.rope_parameters?.full_attention, config.global_rope_theta ?? 160_000);
    this.sliding = ropeOf(config, config.rope_parameters?.sliding_attention, config.local_rope_theta ?? 10_000);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.tok_embeddings.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const facts = { causal: false };
    const full = new DecoderPass(context, this.full, facts);
    const sliding = new DecoderPass(context, this.sliding, facts);
    const x = this.norm.forward(embedded);
    return this.final_norm.forward(runBlocks(this.layers, x, { context, full, sliding }));
  }
}

/** Rotary positions of one kind of layers. */
function ropeOf(config: ModernBertConfig, parameters: z.output<typeof oneRope>, theta: number): RopeOptions {
  const { max_position_embeddings } = config;
  const rope = { max_position_embeddings, rope_parameters: parameters ?? {}, rope_theta: theta };
  return ropeOptions('modernbert', rope, headCounts('modernbert', config).headDim);
}

/** What hidden states go through before they meet the embeddings. */
class ModernBertHead {
  readonly dense: Linear;
  readonly norm: LayerNorm;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, { hidden_size: width, ...config }: ModernBertConfig) {
    this.dense = parts.linear('dense', [width, width], config.classifier_bias);
    this.norm = parts.layerNorm('norm', width, config.norm_eps, config.norm_bias);
    this.activate = activation('modernbert', 'classifier_activation', config.classifier_activation);
  }

  forward(hidden: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.norm.forward(this.activate(this.dense.forward(hidden, context)));
  }
}

export const modernbert = encoderArchitecture({
  modelType: 'modernbert',
  description: 'ModernBERT, with or without the head of masked tokens',
  config: modernbertConfig,
  paths: { decoder: 'model', head: 'head', beside: ['decoder'] },
  build(config, parts, headParts, root) {
    const { vocab_size, hidden_size: width, max_position_embeddings: contextLength } = config;
    const [form = 'ModernBertForMaskedLM'] = config.architectures ?? [];
    const decoder = new ModernBertEncoder(parts, config);
    const { weight } = decoder.tok_embeddings;
    if (form !== 'ModernBertForMaskedLM') return { decoder, head: { weight, bias: null }, contextLength };
    const last = new ModernBertHead(headParts, config);
    const tiedTo = config.tie_word_embeddings ? decoder.tok_embeddings : null;
    const head = root.at('decoder').head([vocab_size, width], { tiedTo, hasBias: config.decoder_bias });
    const transform: typeof last.forward = (hidden, context) => last.forward(hidden, context);
    return { decoder, head: { ...head, transform }, contextLength };
  },
});
