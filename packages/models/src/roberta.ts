// SPDX-License-Identifier: Apache-2.0
/**
 * RoBERTa and what is built like it:
 * - an encoder as BERT's: every token sees all of its sequence; LayerNorm after attention and MLP, biases everywhere
 * - learned positions that begin behind the padding id (2, 3, …); one token type
 * - a head of its own for masked tokens: dense, gelu, LayerNorm, then the embeddings
 * Liu et al., "RoBERTa: a robustly optimized BERT pretraining approach", 2019 (arXiv 1907.11692).
 * Reference: Transformers 5.18, models/roberta/modeling_roberta.py.
 * T tokens, C hidden size, F width of the MLP, H heads, D head size.
 */
import {
  activation,
  architectureErrors,
  DecoderPass,
  encoderArchitecture,
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
  type Head,
  type Ints,
  type LayerNorm,
  type Linear,
  type ModelParts,
} from '@llmf/nn';
import { z } from 'zod';

/** Keys and defaults of RobertaConfig. */
export const robertaConfig = z.looseObject({
  /** Says which heads the file holds. */
  architectures: z.array(z.string()).nullish(),
  vocab_size: z.int().min(1),
  hidden_size: z.int().min(1),
  intermediate_size: z.int().min(1),
  num_hidden_layers: z.int().min(1),
  num_attention_heads: z.int().min(1),
  hidden_act: z.string().default('gelu'),
  max_position_embeddings: z.int().min(1).default(512),
  type_vocab_size: z.int().min(1).default(2),
  initializer_range: z.number().min(0).default(0.02),
  layer_norm_eps: z.number().positive().default(1e-12),
  /** Positions begin behind it. */
  pad_token_id: z.int().min(0).nullish().default(1),
  tie_word_embeddings: z.literal(true, 'true: the head of masked tokens is the embeddings').default(true),
  position_embedding_type: z.literal('absolute', 'absolute').nullish(),
  is_decoder: z.literal(false, 'false: an encoder').default(false),
});
type RobertaConfig = z.output<typeof robertaConfig>;

class RobertaEmbeddings {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly token_type_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  private readonly first: number;

  constructor(parts: ModelParts, config: RobertaConfig) {
    const { hidden_size: width } = config;
    this.first = firstPosition(config);
    this.word_embeddings = parts.embedding('word_embeddings', [config.vocab_size, width]);
    this.position_embeddings = parts.embedding('position_embeddings', [config.max_position_embeddings, width]);
    this.token_type_embeddings = parts.embedding('token_type_embeddings', [config.type_vocab_size, width]);
    this.LayerNorm = parts.layerNorm('LayerNorm', width, config.layer_norm_eps);
  }

  /** Embeddings of words [T, C] with those of positions and of the first token type. */
  forward(words: tf.Tensor2D, positions: Int32Array): tf.Tensor2D {
    const types = this.token_type_embeddings.forward(new Int32Array(positions.length)); // [T, C]
    const places = this.position_embeddings.forward(positions.map((position) => position + this.first)); // [T, C]
    return this.LayerNorm.forward(tf.addN([words, types, places]));
  }
}

/** Of a sequence's first token. */
const firstPosition = ({ pad_token_id }: RobertaConfig) => (pad_token_id ?? 1) + 1;

class RobertaAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: RobertaConfig,
  ) {
    const { hidden_size: width, layer_norm_eps: epsilon } = config;
    this.headDim = headCounts('roberta', config).headDim;
    this.query = parts.linear('self.query', [width, width], true);
    this.key = parts.linear('self.key', [width, width], true);
    this.value = parts.linear('self.value', [width, width], true);
    this.dense = parts.linear('output.dense', [width, width], true);
    this.LayerNorm = parts.layerNorm('output.LayerNorm', width, epsilon);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const q = splitHeads(this.query.forward(x, pass.context), this.headDim); // [T, H, D]
    const k = splitHeads(this.key.forward(x, pass.context), this.headDim); // [T, H, D]
    const v = splitHeads(this.value.forward(x, pass.context), this.headDim); // [T, H, D]
    const attended = joinHeads(pass.attend(this.layer, q, k, v)); // [T, C]
    return this.LayerNorm.forward(tf.add(this.dense.forward(attended, pass.context), x) as tf.Tensor2D);
  }
}

class RobertaBlock implements Block {
  readonly attention: RobertaAttention;
  readonly intermediate: Linear;
  readonly output: Linear;
  readonly LayerNorm: LayerNorm;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, layer: number, config: RobertaConfig) {
    const { hidden_size: width, intermediate_size: inner } = config;
    this.attention = new RobertaAttention(parts.at('attention'), layer, config);
    this.intermediate = parts.linear('intermediate.dense', [inner, width], true);
    this.output = parts.linear('output.dense', [width, inner], true);
    this.LayerNorm = parts.layerNorm('output.LayerNorm', width, config.layer_norm_eps);
    this.activate = activation('roberta', 'hidden_act', config.hidden_act);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended = this.attention.forward(x, pass);
    const inner = this.activate(this.intermediate.forward(attended, pass.context)); // [T, F]
    return this.LayerNorm.forward(tf.add(this.output.forward(inner, pass.context), attended) as tf.Tensor2D);
  }
}

class RobertaEncoder implements Decoder {
  readonly embeddings: RobertaEmbeddings;
  readonly layer: readonly RobertaBlock[];

  constructor(parts: ModelParts, config: RobertaConfig) {
    const { num_hidden_layers: count } = config;
    this.embeddings = new RobertaEmbeddings(parts.at('embeddings'), config);
    this.layer = parts.list('encoder.layer', count, (of, layer) => new RobertaBlock(of, layer, config));
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embeddings.word_embeddings.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const { positions } = context;
    if (!(positions instanceof Int32Array)) throw architectureErrors.manyPositions({ modelType: 'roberta' });
    const x = this.embeddings.forward(embedded, positions); // [T, C]
    return runBlocks(this.layer, x, new DecoderPass(context, null, { causal: false }));
  }
}

/** What hidden states go through before they meet the embeddings. */
class RobertaHead {
  readonly dense: Linear;
  readonly layer_norm: LayerNorm;

  constructor(parts: ModelParts, { hidden_size: width, layer_norm_eps: epsilon }: RobertaConfig) {
    this.dense = parts.linear('dense', [width, width], true);
    this.layer_norm = parts.layerNorm('layer_norm', width, epsilon);
  }

  forward(hidden: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.layer_norm.forward(gelu(this.dense.forward(hidden, context), 'exact'));
  }
}

/** The classes of Transformers whose files hold the head of masked tokens, and the one whose hold a pooler. */
const withHead = new Set(['RobertaForMaskedLM', 'RobertaForCausalLM']);
const withPooler = 'RobertaModel';

/** RobertaClassificationHead: a dense layer and tanh of the first token, then the labels; of tokens those alone. */
function classifierHead(head: Head, hiddenSize: number): Head {
  if (head.at === 'token') return { ...head, bias: true, paths: ['classifier'] };
  const paths = ['classifier.dense', 'classifier.out_proj'];
  return { ...head, at: 'first', bias: true, hidden: [hiddenSize], activation: 'tanh', paths };
}

export const roberta = encoderArchitecture({
  modelType: 'roberta',
  description: 'RoBERTa and encoders built like it, with or without the head of masked tokens',
  config: robertaConfig,
  paths: { decoder: 'roberta', head: 'lm_head' },
  classifierHead,
  buffers: /embeddings\.position_ids$/,
  build(config, parts, headParts) {
    const { vocab_size, hidden_size: width } = config;
    const [form = 'RobertaForMaskedLM'] = config.architectures ?? [];
    const contextLength = config.max_position_embeddings - firstPosition(config);
    const decoder = new RobertaEncoder(parts, config);
    if (form === withPooler) parts.at('pooler', { isUnread: true }).linear('dense', [width, width], true);
    const { weight, path } = decoder.embeddings.word_embeddings;
    if (!withHead.has(form)) return { decoder, head: { weight, bias: null }, contextLength };
    const last = new RobertaHead(headParts, config);
    const bias = headParts.bias('bias', vocab_size);
    headParts.tie('decoder.weight', `${path}.weight`);
    headParts.tie('decoder.bias', headParts.pathOf('bias'));
    const transform: typeof last.forward = (hidden, context) => last.forward(hidden, context);
    return { decoder, head: { weight, bias, transform }, contextLength };
  },
});
