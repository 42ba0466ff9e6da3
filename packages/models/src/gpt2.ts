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
  CausalModel,
  configRemarks,
  DecoderPass,
  Embedding,
  headCounts,
  joinHeads,
  LayerNorm,
  ModelParts,
  readConfig,
  runBlocks,
  splitHeads,
  tf,
  WeightTable,
  type Architecture,
  type Block,
  type Decoder,
  type ForwardContext,
  type Ints,
  type Linear,
  type WeightInfo,
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
  attn_pdrop: z.number().nullish(),
  embd_pdrop: z.number().nullish(),
  resid_pdrop: z.number().nullish(),
  summary_type: z.unknown().optional(),
  summary_use_proj: z.unknown().optional(),
  summary_activation: z.unknown().optional(),
  summary_proj_to_labels: z.unknown().optional(),
  summary_first_dropout: z.unknown().optional(),
});

interface Gpt2Shape {
  readonly vocabularySize: number;
  readonly hiddenSize: number; // C
  readonly innerSize: number; // F
  readonly layers: number;
  readonly headDim: number; // D
  readonly contextLength: number;
  readonly epsilon: number;
  readonly activation: (x: tf.Tensor2D) => tf.Tensor2D;
  readonly tiedHead: boolean;
}

function shapeOf(input: Record<string, unknown>): Gpt2Shape {
  const config = readConfig(gpt2Config, 'gpt2', input);
  const { headDim } = headCounts('gpt2', { hidden_size: config.n_embd, num_attention_heads: config.n_head });
  return {
    vocabularySize: config.vocab_size,
    hiddenSize: config.n_embd,
    innerSize: config.n_inner ?? 4 * config.n_embd,
    layers: config.n_layer,
    headDim,
    contextLength: config.n_positions,
    epsilon: config.layer_norm_epsilon,
    activation: activation('gpt2', 'activation_function', config.activation_function),
    tiedHead: config.tie_word_embeddings,
  };
}

class Gpt2Attention {
  readonly c_attn: Linear;
  readonly c_proj: Linear;

  constructor(
    parts: ModelParts,
    path: string,
    private readonly layer: number,
    private readonly headDim: number,
  ) {
    this.c_attn = parts.linear(`${path}.c_attn`, true);
    this.c_proj = parts.linear(`${path}.c_proj`, true);
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

  constructor(
    parts: ModelParts,
    path: string,
    private readonly activate: Gpt2Shape['activation'],
  ) {
    this.c_fc = parts.linear(`${path}.c_fc`, true);
    this.c_proj = parts.linear(`${path}.c_proj`, true);
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

  constructor(parts: ModelParts, path: string, layer: number, shape: Gpt2Shape) {
    this.ln_1 = LayerNorm.from(parts, `${path}.ln_1`, shape.epsilon);
    this.attn = new Gpt2Attention(parts, `${path}.attn`, layer, shape.headDim);
    this.ln_2 = LayerNorm.from(parts, `${path}.ln_2`, shape.epsilon);
    this.mlp = new Gpt2Mlp(parts, `${path}.mlp`, shape.activation);
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
  readonly blocks: readonly string[];

  constructor(parts: ModelParts, shape: Gpt2Shape) {
    this.wte = Embedding.from(parts, 'transformer.wte');
    this.wpe = Embedding.from(parts, 'transformer.wpe');
    this.blocks = blockPaths(shape);
    this.h = this.blocks.map((path, layer) => new Gpt2Block(parts, path, layer, shape));
    this.ln_f = LayerNorm.from(parts, 'transformer.ln_f', shape.epsilon);
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

const blockPaths = ({ layers }: Gpt2Shape): string[] =>
  Array.from({ length: layers }, (_, layer) => `transformer.h.${layer}`);

function weightTable(shape: Gpt2Shape): ReadonlyMap<string, WeightInfo> {
  const { vocabularySize, contextLength, hiddenSize, innerSize, layers, tiedHead } = shape;
  const conv1d = { transposedOnDisk: true };
  // "scale the weights of residual layers at initialization by a factor of 1/√N", N residual layers (section 2.3).
  const residual = { ...conv1d, initScale: 1 / Math.sqrt(2 * layers) };
  const table = new WeightTable()
    .embedding('transformer.wte', vocabularySize, hiddenSize)
    .embedding('transformer.wpe', contextLength, hiddenSize);
  for (const path of blockPaths(shape)) {
    table
      .layerNorm(`${path}.ln_1`, hiddenSize)
      .linear(`${path}.attn.c_attn`, 3 * hiddenSize, hiddenSize, true, conv1d)
      .linear(`${path}.attn.c_proj`, hiddenSize, hiddenSize, true, residual)
      .layerNorm(`${path}.ln_2`, hiddenSize)
      .linear(`${path}.mlp.c_fc`, innerSize, hiddenSize, true, conv1d)
      .linear(`${path}.mlp.c_proj`, hiddenSize, innerSize, true, residual);
  }
  table.layerNorm('transformer.ln_f', hiddenSize);
  if (!tiedHead) table.linear('lm_head', vocabularySize, hiddenSize, false, { kind: 'head' });
  return table.weights;
}

export const gpt2: Architecture = {
  name: 'gpt2',
  description: 'GPT-2 and checkpoints built like it',
  weights: (config) => weightTable(shapeOf(config)),
  blocks: (config) => blockPaths(shapeOf(config)),
  build(config, weights) {
    const shape = shapeOf(config);
    const parts = new ModelParts(weights);
    const decoder = new Gpt2Decoder(parts, shape);
    const weight = shape.tiedHead ? decoder.wte.weight : (parts.take('lm_head.weight').value as tf.Tensor2D);
    const { contextLength, vocabularySize, hiddenSize } = shape;
    const head = { weight, bias: null };
    return new CausalModel(parts, decoder, {
      modelType: 'gpt2',
      config,
      contextLength,
      vocabularySize,
      hiddenSize,
      head,
    });
  },
  tied: (config) => new Map(shapeOf(config).tiedHead ? [['lm_head.weight', 'transformer.wte.weight']] : []),
  // The hub's files come from the bare decoder and carry the causal masks along.
  renameWeight: (key) => {
    if (/\.attn\.(bias|masked_bias)$/.test(key)) return null;
    return /^(wte|wpe|h|ln_f)\./.test(key) ? `transformer.${key}` : key;
  },
  remarks: (config) => configRemarks(gpt2Config, config),
};
