// SPDX-License-Identifier: Apache-2.0
/**
 * What Llama and its relatives have in common: token embeddings, pre-norm blocks (RMSNorm, rotary attention, gated MLP)
 * and a final norm. Constructors follow the checkpoint: property paths are its keys.
 */
import { Embedding } from '../layers/embedding.js';
import { RmsNorm } from '../layers/norms.js';
import { tf } from '../tf.js';
import type { Architecture, ForwardContext, Model, WeightInfo } from '../contracts/model.js';
import type { Ints } from '../ops/checks.js';
import type { RopeOptions } from '../ops/rope/rope-tables.js';
import type { z } from 'zod';
import type { GatedActivation } from './activation.js';
import { CausalModel, type Decoder } from './causal-model.js';
import { DecoderPass } from './decoder-pass.js';
import { GatedMlp } from './gated-mlp.js';
import { ModelParts } from './model-parts.js';
import { configRemarks, readConfig, type ConfigSchema } from './read-config.js';
import { runBlocks, type Block } from './run-blocks.js';
import { WeightTable } from './weight-table.js';

/** Sizes and facts of such a decoder, derived from a checkpoint's config. */
export interface DecoderShape {
  readonly vocabularySize: number; // V
  readonly hiddenSize: number; // C
  readonly intermediateSize: number; // F
  readonly layers: number;
  readonly heads: number; // H
  readonly keyHeads: number; // G
  readonly headDim: number; // D
  readonly contextLength: number;
  readonly epsilon: number;
  readonly activation: GatedActivation;
  readonly mlpBias: boolean;
  readonly tiedHead: boolean;
  readonly rope: RopeOptions;
}

/** x [T, C] → [T, C]; what differs between the relatives. */
export interface Attention {
  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D;
}
export type MakeAttention = (parts: ModelParts, path: string, layer: number) => Attention;
export type TabulateAttention = (table: WeightTable, path: string) => void;

class PreNormBlock implements Block {
  readonly input_layernorm: RmsNorm;
  readonly self_attn: Attention;
  readonly post_attention_layernorm: RmsNorm;
  readonly mlp: GatedMlp;

  constructor(
    parts: ModelParts,
    path: string,
    layer: number,
    { epsilon, mlpBias, activation }: DecoderShape,
    attention: MakeAttention,
  ) {
    this.input_layernorm = RmsNorm.from(parts, `${path}.input_layernorm`, epsilon);
    this.self_attn = attention(parts, `${path}.self_attn`, layer);
    this.post_attention_layernorm = RmsNorm.from(parts, `${path}.post_attention_layernorm`, epsilon);
    this.mlp = new GatedMlp(parts, `${path}.mlp`, mlpBias, activation);
  }

  forward(x: tf.Tensor2D, pass: DecoderPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.self_attn.forward(this.input_layernorm.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended), pass.context));
  }
}

class RmsDecoder implements Decoder {
  readonly embed_tokens: Embedding;
  readonly layers: readonly PreNormBlock[];
  readonly norm: RmsNorm;
  readonly blocks: readonly string[];

  constructor(
    parts: ModelParts,
    private readonly shape: DecoderShape,
    attention: MakeAttention,
  ) {
    this.embed_tokens = Embedding.from(parts, 'model.embed_tokens');
    this.blocks = decoderBlocks(shape);
    this.layers = this.blocks.map((path, layer) => new PreNormBlock(parts, path, layer, shape, attention));
    this.norm = RmsNorm.from(parts, 'model.norm', shape.epsilon);
  }

  embed(ids: Ints): tf.Tensor2D {
    return this.embed_tokens.forward(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const pass = new DecoderPass(context, this.shape.rope);
    return this.norm.forward(runBlocks(this.layers, embedded, pass));
  }
}

/** Module paths of the blocks. */
const decoderBlocks = ({ layers }: DecoderShape): string[] =>
  Array.from({ length: layers }, (_, layer) => `model.layers.${layer}`);

/** Names and shapes of every weight, in file order. */
function decoderWeights(shape: DecoderShape, attention: TabulateAttention): ReadonlyMap<string, WeightInfo> {
  const { vocabularySize, hiddenSize, intermediateSize, mlpBias, tiedHead } = shape;
  const table = new WeightTable().embedding('model.embed_tokens', vocabularySize, hiddenSize);
  for (const path of decoderBlocks(shape)) {
    table.norm(`${path}.input_layernorm`, hiddenSize);
    attention(table, `${path}.self_attn`);
    table.norm(`${path}.post_attention_layernorm`, hiddenSize);
    table.linear(`${path}.mlp.gate_proj`, intermediateSize, hiddenSize, mlpBias);
    table.linear(`${path}.mlp.up_proj`, intermediateSize, hiddenSize, mlpBias);
    table.linear(`${path}.mlp.down_proj`, hiddenSize, intermediateSize, mlpBias);
  }
  table.norm('model.norm', hiddenSize);
  if (!tiedHead) table.linear('lm_head', vocabularySize, hiddenSize, false, { kind: 'head' });
  return table.weights;
}

/** A family of checkpoints whose decoder is of this kind: its config and what is particular to it. */
export interface DecoderFamily<Schema extends ConfigSchema> {
  readonly modelType: string;
  readonly description: string;
  readonly config: Schema;
  /** Derived values, computed here only. */
  shapeOf(config: z.output<Schema>): DecoderShape;
  attention(config: z.output<Schema>, shape: DecoderShape): MakeAttention;
  attentionWeights(config: z.output<Schema>, shape: DecoderShape): TabulateAttention;
}

/** The architecture of a family; a larger model may build its language half with it too. */
export function decoderArchitecture<Schema extends ConfigSchema>(family: DecoderFamily<Schema>): Architecture {
  const { modelType, description } = family;
  const read = (input: Record<string, unknown>) => {
    const config = readConfig(family.config, modelType, input);
    return { config, shape: family.shapeOf(config) };
  };
  return {
    name: modelType,
    description,
    weights(input) {
      const { config, shape } = read(input);
      return decoderWeights(shape, family.attentionWeights(config, shape));
    },
    blocks: (input) => decoderBlocks(read(input).shape),
    build(input, weights) {
      const { config, shape } = read(input);
      return buildDecoder(modelType, input, shape, family.attention(config, shape), new ModelParts(weights));
    },
    tied: (input) => new Map(read(input).shape.tiedHead ? [['lm_head.weight', 'model.embed_tokens.weight']] : []),
    renameWeight: renameDecoderWeight,
    remarks: (input) => configRemarks(family.config, input),
  };
}

function buildDecoder(
  modelType: string,
  config: Record<string, unknown>,
  shape: DecoderShape,
  attention: MakeAttention,
  parts: ModelParts,
): Model {
  const decoder = new RmsDecoder(parts, shape, attention);
  const weight = shape.tiedHead ? decoder.embed_tokens.weight : (parts.take('lm_head.weight').value as tf.Tensor2D);
  const { contextLength, vocabularySize, hiddenSize } = shape;
  const head = { weight, bias: null };
  return new CausalModel(parts, decoder, { modelType, config, contextLength, vocabularySize, hiddenSize, head });
}

/** The prefix is missing where the bare decoder was saved; rotary frequencies are a buffer that old files carry along. */
function renameDecoderWeight(key: string): string | null {
  if (key.endsWith('.rotary_emb.inv_freq')) return null;
  return /^(embed_tokens|layers|norm)\./.test(key) ? `model.${key}` : key;
}
