// SPDX-License-Identifier: Apache-2.0
/**
 * BERT and what is built like it (sentence encoders such as MiniLM among them):
 * - an encoder: every token sees all of its sequence
 * - learned positions and token types (here always the first), LayerNorm after attention and MLP, biases everywhere
 * - a head of its own for masked tokens: dense, gelu, LayerNorm, then the embeddings
 * Files of the bare encoder hold a pooler (a dense layer on the first token), which is kept; what was made for next-sentence
 * prediction is kept too.
 * Devlin et al., "BERT: pre-training of deep bidirectional transformers", 2019 (arXiv 1810.04805).
 * Reference: Transformers 5.18, models/bert/modeling_bert.py.
 * T tokens, C hidden size, F width of the MLP, H heads, D head size.
 */
import {
  activation,
  architectureErrors,
  DecoderPass,
  encoderArchitecture,
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

/** Keys and defaults of BertConfig. */
export const bertConfig = z.looseObject({
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
  tie_word_embeddings: z.literal(true, 'true: the head of masked tokens is the embeddings').default(true),
  position_embedding_type: z.literal('absolute', 'absolute').nullish(),
  is_decoder: z.literal(false, 'false: an encoder').default(false),
});
type BertConfig = z.output<typeof bertConfig>;

class BertEmbeddings {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly token_type_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;

  constructor(parts: ModelParts, config: BertConfig) {
    const { hidden_size: width } = config;
    this.word_embeddings = parts.embedding('word_embeddings', [config.vocab_size, width]);
    this.position_embeddings = parts.embedding('position_embeddings', [config.max_position_embeddings, width]);
    this.token_type_embeddings = parts.embedding('token_type_embeddings', [config.type_vocab_size, width]);
    this.LayerNorm = parts.layerNorm('LayerNorm', width, config.layer_norm_eps);
  }

  /** Embeddings of words [T, C] with those of positions and of the first token type. */
  forward(words: tf.Tensor2D, positions: Int32Array): tf.Tensor2D {
    const types = this.token_type_embeddings.forward(new Int32Array(positions.length)); // [T, C]
    return this.LayerNorm.forward(tf.addN([words, types, this.position_embeddings.forward(positions)]));
  }
}

class BertAttention {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  private readonly headDim: number;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    config: BertConfig,
  ) {
    const { hidden_size: width, layer_norm_eps: epsilon } = config;
    this.headDim = headCounts('bert', config).headDim;
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

class BertBlock implements Block {
  readonly attention: BertAttention;
  readonly intermediate: Linear;
  readonly output: Linear;
  readonly LayerNorm: LayerNorm;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, layer: number, config: BertConfig) {
    const { hidden_size: width, intermediate_size: inner } = config;
    this.attention = new BertAttention(parts.at('attention'), layer, config);
    this.intermediate = parts.linear('intermediate.dense', [inner, width], true);
    this.output = parts.linear('output.dense', [width, inner], true);
    this.LayerNorm = parts.layerNorm('output.LayerNorm', width, config.layer_norm_eps);
    this.activate = activation('bert', 'hidden_act', config.hidden_act);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended = this.attention.forward(x, pass);
    const inner = this.activate(this.intermediate.forward(attended, pass.context)); // [T, F]
    return this.LayerNorm.forward(tf.add(this.output.forward(inner, pass.context), attended) as tf.Tensor2D);
  }
}

class BertEncoder implements Decoder {
  readonly embeddings: BertEmbeddings;
  readonly layer: readonly BertBlock[];

  constructor(parts: ModelParts, config: BertConfig) {
    const { num_hidden_layers: count } = config;
    this.embeddings = new BertEmbeddings(parts.at('embeddings'), config);
    this.layer = parts.list('encoder.layer', count, (of, layer) => new BertBlock(of, layer, config));
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embeddings.word_embeddings.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const { positions } = context;
    if (!(positions instanceof Int32Array)) throw architectureErrors.manyPositions({ modelType: 'bert' });
    const x = this.embeddings.forward(embedded, positions); // [T, C]
    return runBlocks(this.layer, x, new DecoderPass(context, null, { causal: false }));
  }
}

/** What hidden states go through before they meet the embeddings. */
class BertHead {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, { hidden_size: width, ...config }: BertConfig) {
    this.dense = parts.linear('dense', [width, width], true);
    this.LayerNorm = parts.layerNorm('LayerNorm', width, config.layer_norm_eps);
    this.activate = activation('bert', 'hidden_act', config.hidden_act);
  }

  forward(hidden: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    return this.LayerNorm.forward(this.activate(this.dense.forward(hidden, context)));
  }
}

/** The classes of Transformers whose files hold the head of masked tokens, and those whose hold a pooler. */
const withHead = new Set(['BertForMaskedLM', 'BertForPreTraining', 'BertLMHeadModel']);
const withoutPooler = new Set([
  'BertForMaskedLM',
  'BertLMHeadModel',
  'BertForTokenClassification',
  'BertForQuestionAnswering',
]);

/** BertForSequenceClassification: the pooler (dense layer and tanh of the first token), then the labels; of tokens those alone. */
function classifierHead(head: Head, hiddenSize: number): Head {
  if (head.at === 'token') return { ...head, bias: true, paths: ['classifier'] };
  const pooler = { hidden: [hiddenSize], activation: 'tanh', paths: ['bert.pooler.dense', 'classifier'] } as const;
  return { ...head, at: 'first', bias: true, ...pooler };
}

export const bert = encoderArchitecture({
  modelType: 'bert',
  description: 'BERT and encoders built like it, with or without the head of masked tokens',
  config: bertConfig,
  paths: { decoder: 'bert', head: 'cls' },
  classifierHead,
  renames: [
    [/LayerNorm\.gamma$/, 'LayerNorm.weight'],
    [/LayerNorm\.beta$/, 'LayerNorm.bias'],
  ],
  buffers: /embeddings\.position_ids$/,
  build(config, parts, headParts) {
    const { vocab_size, hidden_size: width, max_position_embeddings: contextLength } = config;
    const [form = 'BertForMaskedLM'] = config.architectures ?? [];
    const decoder = new BertEncoder(parts, config);
    if (!withoutPooler.has(form)) parts.at('pooler', { isUnread: true }).linear('dense', [width, width], true);
    const predictions = headParts.at('predictions');
    const { weight, path } = decoder.embeddings.word_embeddings;
    if (!withHead.has(form)) return { decoder, head: { weight, bias: null }, contextLength };
    const last = new BertHead(predictions.at('transform'), config);
    const bias = predictions.bias('bias', vocab_size);
    predictions.tie('decoder.weight', `${path}.weight`);
    predictions.tie('decoder.bias', predictions.pathOf('bias'));
    if (form === 'BertForPreTraining')
      headParts.at('', { isUnread: true }).linear('seq_relationship', [2, width], true);
    const transform: typeof last.forward = (hidden, context) => last.forward(hidden, context);
    return { decoder, head: { weight, bias, transform }, contextLength };
  },
});
