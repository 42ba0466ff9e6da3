// SPDX-License-Identifier: Apache-2.0
/**
 * T5 and mT5 (also T5 v1.1, Flan-T5), an encoder and a decoder:
 * - RMSNorm before attention and MLP, no biases anywhere, attention without 1/√D
 * - learned relative positions by bucket of distance: one table a stack, in its first block, shared by all of its blocks
 * - an MLP of two layers (relu), or gated (v1.1: gelu)
 * - one embedding for both stacks; the head is it too, on hidden states / √C (T5), or a matrix of its own (v1.1, mT5)
 * Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text transformer", 2020; Xue et al.,
 * "mT5: a massively multilingual pre-trained text-to-text transformer", 2021.
 * Reference: Transformers 5.18, models/t5/modeling_t5.py, models/mt5/modeling_mt5.py.
 * T tokens, C hidden size (d_model), F width of the MLP, H heads, D head size (d_kv), S tokens that the encoder gave.
 */
import {
  activation,
  causalArchitecture,
  DecoderPass,
  joinHeads,
  RelativeBias,
  runBlocks,
  splitHeads,
  tf,
  TwoStreams,
  type Block,
  type Decoder,
  type Embedding,
  type ForwardContext,
  type Ints,
  type Linear,
  type ModelParts,
  type RmsNorm,
} from '@llmf/nn';
import { z } from 'zod';
import { modelErrors } from './errors.js';

/** Keys and defaults of T5Config and MT5Config. */
const t5Keys = {
  vocab_size: z.int().min(1),
  d_model: z.int().min(1),
  d_kv: z.int().min(1).default(64),
  d_ff: z.int().min(1),
  num_layers: z.int().min(1),
  /** As many as the encoder has, where it is not said. */
  num_decoder_layers: z.int().min(1).nullish(),
  num_heads: z.int().min(1),
  relative_attention_num_buckets: z.int().min(4).default(32),
  relative_attention_max_distance: z.int().min(2).default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  /** Of `llmf init`. */
  initializer_factor: z.number().min(0).default(1),
  tie_word_embeddings: z.boolean().default(true),
  pad_token_id: z.int().min(0).nullish(),
  decoder_start_token_id: z.int().min(0).nullish(),
  is_encoder_decoder: z.literal(true, 'true: an encoder and a decoder').default(true),
  /** What Transformers derives from feed_forward_proj and writes beside it. */
  dense_act_fn: z.unknown().optional(),
  is_gated_act: z.unknown().optional(),
  /** Contexts of old files, which relative positions do not need. */
  n_positions: z.unknown().optional(),
};
const projection = z.string().regex(/^(gated-)?[a-z_]+$/, 'an activation, or gated- and one');
export const t5Config = z.looseObject({
  ...t5Keys,
  feed_forward_proj: projection.default('relu'),
  /** Are hidden states divided by √C before the head? Left out: where the head is the embeddings. */
  scale_decoder_outputs: z.boolean().nullish(),
});
export const mt5Config = z.looseObject({ ...t5Keys, feed_forward_proj: projection.default('gated-gelu') });
type T5Config = z.output<typeof t5Config> | z.output<typeof mt5Config>;

/** Deviations of fresh weights as Transformers' _init_weights has them, over the 0.02 that `llmf init` assumes. */
const deviation = ({ initializer_factor: factor }: T5Config, of: number) => ({ initScale: (factor * of) / 0.02 });

class T5Attention {
  readonly q: Linear;
  readonly k: Linear;
  readonly v: Linear;
  readonly o: Linear;

  constructor(parts: ModelParts, config: T5Config) {
    const { d_model: hidden, num_heads: heads, d_kv: headDim } = config;
    const inner = heads * headDim;
    this.q = parts.linear('q', [inner, hidden], false, deviation(config, (hidden * headDim) ** -0.5));
    this.k = parts.linear('k', [inner, hidden], false, deviation(config, hidden ** -0.5));
    this.v = parts.linear('v', [inner, hidden], false, deviation(config, hidden ** -0.5));
    this.o = parts.linear('o', [hidden, inner], false, deviation(config, inner ** -0.5));
  }
}

/** What all blocks of a stack share. */
interface T5Pass {
  readonly context: ForwardContext;
  readonly attention: DecoderPass;
  /** Of the row that cross attention looks at; null where there is none, or the cache holds it. */
  readonly encoder: ForwardContext | null;
}

/** x + attention(norm(x)), within the sequence. */
class T5SelfLayer {
  readonly attention: T5Attention;
  readonly layer_norm: RmsNorm;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: T5Config,
  ) {
    this.headDim = config.d_kv;
    this.attention = new T5Attention(parts.at('SelfAttention'), config);
    this.layer_norm = parts.rmsNorm('layer_norm', config.d_model, config.layer_norm_epsilon);
  }

  forward(x: tf.Tensor2D, { context, attention }: T5Pass): tf.Tensor2D {
    const { q, k, v, o } = this.attention;
    const normed = this.layer_norm.forward(x);
    const queries = splitHeads(q.forward(normed, context), this.headDim); // [T, H, D]
    const keys = splitHeads(k.forward(normed, context), this.headDim); // [T, H, D]
    const values = splitHeads(v.forward(normed, context), this.headDim); // [T, H, D]
    return tf.add(x, o.forward(joinHeads(attention.attend(this.layer, queries, keys, values)), context));
  }
}

/** x + attention(norm(x)) to what the encoder gave. */
class T5CrossLayer {
  readonly attention: T5Attention;
  readonly layer_norm: RmsNorm;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: T5Config,
  ) {
    this.headDim = config.d_kv;
    this.attention = new T5Attention(parts.at('EncDecAttention'), config);
    this.layer_norm = parts.rmsNorm('layer_norm', config.d_model, config.layer_norm_epsilon);
  }

  /** @param encoded [S, C]; left out: its keys and values are in the cache */
  forward(x: tf.Tensor2D, { context, attention, encoder }: T5Pass, encoded?: tf.Tensor2D): tf.Tensor2D {
    const { q, k, v, o } = this.attention;
    const queries = splitHeads(q.forward(this.layer_norm.forward(x), context), this.headDim); // [T, H, D]
    const of = (part: Linear) => splitHeads(part.forward(encoded!, encoder!), this.headDim); // [S, H, D]
    const seen = encoded === undefined ? null : { keys: of(k), values: of(v) };
    return tf.add(x, o.forward(joinHeads(attention.attendAcross(this.layer, queries, seen)), context));
  }
}

/** x + MLP(norm(x)) */
class T5MlpLayer {
  /** The gate, where there is one; else the only layer in. */
  readonly gate: Linear;
  readonly up: Linear | null;
  readonly wo: Linear;
  readonly layer_norm: RmsNorm;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, config: T5Config, modelType: string) {
    const { d_model: hidden, d_ff: inner, feed_forward_proj: form } = config;
    const isGated = form.startsWith('gated-');
    const mlp = parts.at('DenseReluDense');
    const [into, out] = [deviation(config, hidden ** -0.5), deviation(config, inner ** -0.5)];
    this.gate = mlp.linear(isGated ? 'wi_0' : 'wi', [inner, hidden], false, into);
    this.up = isGated ? mlp.linear('wi_1', [inner, hidden], false, into) : null;
    this.wo = mlp.linear('wo', [hidden, inner], false, out);
    this.layer_norm = parts.rmsNorm('layer_norm', hidden, config.layer_norm_epsilon);
    const name = form === 'gated-gelu' ? 'gelu_new' : form.replace('gated-', '');
    this.activate = activation(modelType, 'feed_forward_proj', name);
  }

  forward(x: tf.Tensor2D, { context }: T5Pass): tf.Tensor2D {
    const normed = this.layer_norm.forward(x);
    const gate = this.activate(this.gate.forward(normed, context)); // [T, F]
    const inner: tf.Tensor2D = this.up === null ? gate : tf.mul(gate, this.up.forward(normed, context));
    return tf.add(x, this.wo.forward(inner, context));
  }
}

class T5Block implements Block<T5Pass> {
  readonly self: T5SelfLayer;
  readonly cross: T5CrossLayer | null;
  readonly mlp: T5MlpLayer;

  constructor(parts: ModelParts, layer: number, config: T5Config, stack: StackFacts) {
    this.self = new T5SelfLayer(parts.at('layer.0'), layer, config);
    this.cross = stack.isDecoder ? new T5CrossLayer(parts.at('layer.1'), layer, config) : null;
    this.mlp = new T5MlpLayer(parts.at(stack.isDecoder ? 'layer.2' : 'layer.1'), config, stack.modelType);
  }

  forward(x: tf.Tensor2D, pass: T5Pass, encoded?: tf.Tensor2D): tf.Tensor2D {
    const attended = this.self.forward(x, pass);
    return this.mlp.forward(this.cross?.forward(attended, pass, encoded) ?? attended, pass);
  }
}

interface StackFacts {
  readonly isDecoder: boolean;
  readonly layers: number;
  readonly modelType: string;
}

/** The encoder, or the decoder. */
class T5Stack {
  readonly block: readonly T5Block[];
  readonly final_layer_norm: RmsNorm;
  private readonly bias: RelativeBias;

  constructor(
    parts: ModelParts,
    config: T5Config,
    private readonly facts: StackFacts,
  ) {
    const { relative_attention_num_buckets: buckets, num_heads: heads, d_model: hidden } = config;
    this.block = parts.list('block', facts.layers, (of, layer) => new T5Block(of, layer, config, facts));
    const table = parts.embedding(
      'block.0.layer.0.SelfAttention.relative_attention_bias',
      [buckets, heads],
      deviation(config, hidden ** -0.5),
    );
    const maxDistance = config.relative_attention_max_distance;
    this.bias = new RelativeBias(table, { buckets, maxDistance, bidirectional: !facts.isDecoder });
    this.final_layer_norm = parts.rmsNorm('final_layer_norm', hidden, config.layer_norm_epsilon);
  }

  forward(
    x: tf.Tensor2D,
    context: ForwardContext,
    encoder: ForwardContext | null = null,
    encoded?: tf.Tensor2D,
  ): tf.Tensor2D {
    const facts = {
      causal: this.facts.isDecoder,
      scale: 1,
      bias: (keys: number) => this.bias.forward(keys),
      sources: encoder?.segments ?? [],
    };
    const pass = { context, attention: new DecoderPass(context, null, facts), encoder };
    return this.final_layer_norm.forward(runBlocks(this.block, x, pass, encoded));
  }
}

class T5 implements Decoder {
  readonly shared: Embedding;
  readonly encoder: T5Stack;
  readonly decoder: T5Stack;

  constructor(
    parts: ModelParts,
    config: T5Config,
    private readonly modelType: string,
  ) {
    const { num_layers: layers, num_decoder_layers: decoderLayers } = config;
    this.shared = parts.embedding('shared', [config.vocab_size, config.d_model], deviation(config, 1));
    parts.tie('encoder.embed_tokens.weight', 'shared.weight');
    parts.tie('decoder.embed_tokens.weight', 'shared.weight');
    this.encoder = new T5Stack(parts.at('encoder'), config, { isDecoder: false, layers, modelType });
    const ofDecoder = { isDecoder: true, layers: decoderLayers ?? layers, modelType };
    this.decoder = new T5Stack(parts.at('decoder'), config, ofDecoder);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.shared.forward(ids);
  }

  /** Rows of the encoder come out as the encoder gives them, the others as the decoder does. */
  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const streams = new TwoStreams(context, this.modelType);
    const { encoderContext, decoderContext } = streams;
    const { encoder: read, decoder: written } = streams.part(embedded);
    const encoded = encoderContext === null ? undefined : this.encoder.forward(read, encoderContext);
    return streams.join(encoded, this.decoder.forward(written, decoderContext, encoderContext, encoded));
  }
}

type Config = Readonly<Record<string, unknown>>;

/** Are hidden states of this T5 divided by √C before the head? */
const isScaled = ({ scale_decoder_outputs: stated, tie_word_embeddings: isTied }: Config): boolean =>
  typeof stated === 'boolean' ? stated : isTied !== false;

const familyOf = (modelType: string, description: string, config: typeof t5Config | typeof mt5Config) =>
  causalArchitecture({
    modelType,
    description,
    config,
    paths: { decoder: '', head: 'lm_head' },
    // Of early files; no such table is read.
    buffers: /^decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight$/,
    classifierHead(head) {
      const { replacesLanguageModel: _, ...beside } = head;
      if (head.at !== 'last' || head.outputs !== 1) throw modelErrors.noClassifier({ modelType });
      return beside; // read where the decoder ends: Transformers has no such model, and its language model stays
    },
    /** Transformers 5 writes that the head is the embeddings also where the file holds one of its own. */
    completed(given, has) {
      const scaled = modelType === 't5' && isScaled(given);
      const isTied = scaled || !has('lm_head.weight');
      if ((given['tie_word_embeddings'] ?? true) === isTied) return given;
      const scale = modelType === 't5' ? { scale_decoder_outputs: scaled } : {};
      return { ...given, tie_word_embeddings: isTied, ...scale };
    },
    build(config: T5Config, parts, headParts) {
      const decoder = new T5(parts, config, modelType);
      const { vocab_size: vocabulary, d_model: hidden } = config;
      const tiedTo = config.tie_word_embeddings ? decoder.shared : null;
      const head = headParts.head([vocabulary, hidden], { tiedTo });
      const factor = modelType === 't5' && isScaled(config) ? hidden ** -0.5 : 1;
      const scaled = { transform: (x: tf.Tensor2D) => tf.mul(x, factor) as tf.Tensor2D };
      const decoderStart = config.decoder_start_token_id ?? config.pad_token_id ?? 0;
      return { decoder, head: factor === 1 ? head : { ...head, ...scaled }, contextLength: Infinity, decoderStart };
    },
  });

export const t5 = familyOf('t5', 'T5, T5 v1.1, Flan-T5 and their like: an encoder and a decoder', t5Config);
export const mt5 = familyOf('mt5', 'mT5: T5 of many languages', mt5Config);
