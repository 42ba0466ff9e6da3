// SPDX-License-Identifier: Apache-2.0
import { tf } from '../tf.js';
import type { ForwardContext, LinearLayer, Model, ModuleTree, Parameter } from '../contracts/model.js';
import type { Ints } from '../ops/checks.js';
import type { ModelParts } from './model-parts.js';
import { replacedBetween } from './replaced-modules.js';
import { withAdapterRows } from './with-adapter-rows.js';

/** The part of a model below its head. */
export interface Decoder {
  embed(ids: Ints): tf.Tensor2D; // [T] → [T, C]
  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D; // [T, C] → [T, C], final norm included
}

export type CausalModelFacts = Pick<
  Model,
  'modelType' | 'config' | 'contextLength' | 'head' | 'isEncoder' | 'classifierHead' | 'decoderStart' | 'moduleNames'
> &
  Pick<ModuleTree, 'over' | 'headPath'>;

/** A decoder, an encoder, or both, with a language-model head. */
export class CausalModel implements Model {
  readonly modelType: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly head: Model['head'];
  declare readonly isEncoder?: true;
  declare readonly classifierHead?: Model['classifierHead'];
  declare readonly decoderStart?: number;
  declare readonly moduleNames?: NonNullable<Model['moduleNames']>;
  readonly blocks: readonly string[];
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly linears: ReadonlyMap<string, LinearLayer>;
  declare readonly targets?: ReadonlyMap<string, LinearLayer>;
  declare readonly expertLayers?: NonNullable<Model['expertLayers']>;
  readonly tree: ModuleTree;

  constructor(
    parts: ModelParts,
    private readonly decoder: Decoder,
    facts: CausalModelFacts,
  ) {
    this.modelType = facts.modelType;
    this.config = facts.config;
    this.contextLength = facts.contextLength;
    this.head = facts.head;
    if (facts.isEncoder) this.isEncoder = true;
    if (facts.classifierHead) this.classifierHead = facts.classifierHead;
    if (facts.moduleNames) this.moduleNames = facts.moduleNames;
    if (facts.decoderStart !== undefined) this.decoderStart = facts.decoderStart;
    [this.vocabularySize, this.hiddenSize] = tf.tidy(() => facts.head.weight.shape);
    this.blocks = parts.blocks;
    this.parameters = parts.parameters;
    this.linears = parts.linears;
    const read = [...parts.linears].filter(([path]) => parts.weights.get(`${path}.weight`)?.isUnread !== true);
    if (read.length < parts.linears.size) this.targets = new Map(read);
    if (parts.expertLayers.size > 0) this.expertLayers = parts.expertLayers;
    this.tree = { weights: parts.weights, embeddings: parts.embeddings, headPath: facts.headPath, over: facts.over };
  }

  /** ids [T] → [T, C]; ids on the host are checked against the vocabulary. */
  embed(ids: Ints): tf.Tensor2D {
    return this.decoder.embed(ids);
  }

  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const replaced = replacedBetween(context);
    if (replaced !== null && replaced !== this) return replaced.forward(embedded, context);
    const own: (readonly [name: string, sum: tf.Scalar])[] = [];
    const kept = context.auxiliary && { auxiliary: (name: string, sum: tf.Scalar) => void own.push([name, sum]) };
    const { hidden } = tf.tidy(() => ({
      hidden: withAdapterRows(embedded, { ...context, ...kept }, (row, pass) => this.decoder.forward(row, pass)),
      sums: own.map(([, sum]) => sum), // they outlive the pass too
    }));
    for (const [name, sum] of own) context.auxiliary!(name, sum);
    return hidden;
  }

  dispose(): void {
    for (const { value } of this.parameters.values()) value.dispose();
  }
}
