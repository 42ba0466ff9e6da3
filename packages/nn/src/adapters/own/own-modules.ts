// SPDX-License-Identifier: Apache-2.0
/**
 * What an adapter has in the place of modules of the model: modules that it trains whole (PEFT's modules_to_save), tables
 * of embeddings with a low-rank update or with some rows trained (trainable_token_indices), and weights of the base that
 * its folder carries along untrained (save_embedding_layers). The model's own stay, and are what the adapter switched off
 * gives.
 */
import type { Tensor, Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { EmbeddingLayer, LanguageHead, Model, ModuleTree, ReplacedModules } from '../../contracts/model.js';
import {
  allRows,
  EmbeddingOfTokens,
  LowRankEmbedding,
  withRows,
  type ChangedEmbedding,
} from '../../layers/changed-embeddings.js';
import { tf } from '../../tf.js';
import { adapterErrors } from '../adapter-errors.js';
import { targetModules } from '../target-modules.js';
import { headUpdate, updatedHead, type TrainedPair } from './own-head.js';
import { ownKeys } from './own-keys.js';

/** Values of a weight, as the model holds them. */
export interface OwnWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface OwnLowRank {
  /** Of the table. */
  readonly path: string;
  readonly rank: number;
  readonly scale: number;
  readonly a: Float32Array; // [rank, count]
  readonly b: Float32Array; // [size, rank]
}

export interface OwnTokens {
  /** Of the table, or of the language-model head. */
  readonly path: string;
  readonly ids: readonly number[];
  readonly rows: Float32Array; // [ids, size]
}

/** A low-rank update of the language-model head. */
export interface OwnHeadUpdate {
  readonly rank: number;
  readonly scale: number;
  readonly a: Float32Array; // [rank, C]
  readonly b: Float32Array; // [vocabulary, rank]
}

export interface OwnParts {
  /** PEFT's `modules_to_save`. */
  readonly names: readonly string[];
  /** Weights of those modules. */
  readonly whole: readonly OwnWeight[];
  /** Weights that the folder carries along. */
  readonly kept: readonly OwnWeight[];
  readonly lowRank: readonly OwnLowRank[];
  readonly tokens: readonly OwnTokens[];
  readonly head: OwnHeadUpdate | null;
  /** Of the input of the head's update, while training. */
  readonly dropout: number;
  /** Does a head that is tied to the tokens' table follow a table of its own? PEFT's `ensure_weight_tying`. */
  readonly tiesHead: boolean;
  /** Does it begin with what the model has? */
  readonly isNew?: true;
  /** Are trained tokens all there is of the adapter? Their key is another then. */
  readonly areAlone?: boolean;
}

/** A weight of its own, and its key in the file. */
interface Held {
  readonly key: string;
  readonly value: Tensor | Variable;
}

interface Rows {
  readonly ids: readonly number[];
  readonly rows: Variable;
}

export class OwnModules {
  /** By PEFT's keys. */
  readonly variables = new Map<string, Variable>();
  readonly replaced: ReplacedModules;
  /** Trained, or carried along, by name. */
  private readonly weights: ReadonlyMap<string, Held>;
  /** By path of the table or the head. */
  private readonly tokens: ReadonlyMap<string, Rows>;
  private readonly tables = new Map<string, ChangedEmbedding>();
  /** Of tables, by path: A [rank, count], B [size, rank]. */
  private readonly lowRank: ReadonlyMap<string, TrainedPair>;
  /** Of the head: A [rank, C], B [vocabulary, rank]. */
  private readonly ofHead: TrainedPair | null;
  private readonly tree: ModuleTree;
  private readonly table: EmbeddingLayer;

  /** @throws LLMF_NN_NO_MODULES for a model that does not tell its modules */
  constructor(
    private readonly model: Model,
    private readonly parts: OwnParts,
  ) {
    this.tree = treeOf(model);
    this.table = tokenTable(this.tree);
    const keys = ownKeys(model, parts.areAlone === true);
    const updated = new Set(parts.lowRank.map(({ path }) => `${path}.weight`));
    this.weights = new Map([
      ...parts.whole.map(({ name, shape, values }) => {
        const key = keys.weight(name);
        return [name, { key, value: this.trained(key, values, shape) }] as const;
      }),
      ...parts.kept.map(({ name, shape, values }) => {
        const key = updated.has(name) ? keys.baseWeight(name.replace(/\.weight$/, '')) : keys.weight(name);
        return [name, { key, value: tf.keep(tf.tensor(values, [...shape], 'float32')) }] as const;
      }),
    ]);
    this.lowRank = new Map(
      parts.lowRank.map(({ path, scale, rank, a, b }) => {
        const pair = {
          a: this.trained(keys.lowRank(path, 'A'), a, [rank, a.length / rank]),
          b: this.trained(keys.lowRank(path, 'B'), b, [b.length / rank, rank]),
        };
        return [path, { ...pair, scale }] as const;
      }),
    );
    this.ofHead = parts.head && this.pairOf(parts.head, keys);
    this.tokens = new Map(
      parts.tokens.map(({ path, ids, rows }) => {
        const shape = [ids.length, rows.length / ids.length];
        return [path, { ids, rows: this.trained(keys.tokens(path), rows, shape) }] as const;
      }),
    );
    const view = this.tree.over({
      weight: (name) => this.weights.get(name)?.value,
      embedding: (table) => this.changed(table, this.lowRank.get(table.path), this.tokens.get(table.path)),
      head: (head) => this.head(head),
    });
    this.replaced = { model: view, areBetween: this.areBetween() };
  }

  /** Keys of adapter_config.json that tell of it. */
  get peftConfig(): Readonly<Record<string, unknown>> {
    const { names, tokens, tiesHead, areAlone } = this.parts;
    const theirs = (path: string) => this.model.moduleNames?.toTransformers(path) ?? path;
    const named = (path: string) => targetModules(this.model, [path])[0]!;
    if (areAlone === true) return { token_indices: tokens[0]!.ids, target_modules: theirs(tokens[0]!.path) };
    const ofTable = tokens.length === 1 && tokens[0]!.path === this.table.path;
    const indices = ofTable ? tokens[0]!.ids : Object.fromEntries(tokens.map(({ path, ids }) => [named(path), ids]));
    return {
      modules_to_save: names.length === 0 ? null : names,
      ...(tokens.length > 0 && { trainable_token_indices: indices }),
      ...(tiesHead && { ensure_weight_tying: true }),
    };
  }

  /** Paths of what has a low-rank update of its own: tables, and the head. */
  get lowRankPaths(): readonly string[] {
    const tables = this.parts.lowRank.map(({ path }) => path);
    return this.ofHead === null ? tables : [...tables, this.tree.headPath];
  }

  /** Does a new one change nothing, to the bit? Copies of what a backend reads in fewer bits are read otherwise. */
  get isIdentity(): boolean {
    const { parameters } = this.model;
    if (this.parts.isNew !== true) return false;
    const ofHead = `${this.isTied ? this.table.path : this.tree.headPath}.weight`;
    const read = [...this.parts.whole, ...this.parts.kept].map(({ name }) => name);
    return [...read, ...(this.ofHead !== null || this.tiedPair !== null ? [ofHead] : [])].every(
      (name) => parameters.get(name)?.value.dtype === 'float32',
    );
  }

  /** Tensors of the adapter's file, as PEFT's modules hold them; the caller disposes them. */
  saved(): ReadonlyMap<string, Tensor> {
    const saved = new Map<string, Tensor>([...this.variables].map(([key, variable]) => [key, tf.clone(variable)]));
    for (const [name, { key, value }] of this.weights) {
      const isTurned = this.tree.weights.get(name)?.transposedOnDisk === true;
      saved.get(key)?.dispose();
      saved.set(key, isTurned ? tf.transpose(value) : tf.clone(value));
    }
    for (const [key, value] of this.ofTiedHead()) saved.set(key, value);
    return saved;
  }

  /**
   * The model's weights with all of it in them, by name; the caller disposes them.
   * @throws LLMF_NN_ADAPTER_TIED where head and embeddings are one weight of the model, and two with the adapter
   */
  ownWeights(): ReadonlyMap<string, Tensor> {
    const { path } = this.table;
    const isChanged = this.weights.has(`${path}.weight`) || this.tables.has(path);
    const headFollows = this.parts.tiesHead || this.tokens.has(path);
    const ownHead = this.weights.has(`${this.tree.headPath}.weight`) || this.ofHead !== null;
    const isSplit = isChanged ? !headFollows : ownHead;
    if (this.isTied && isSplit) throw adapterErrors.adapterTied({ table: path });
    const own = new Map<string, Tensor>();
    for (const [name, { value }] of this.weights) own.set(name, tf.clone(value));
    for (const [table, changed] of this.tables) {
      own.get(`${table}.weight`)?.dispose();
      own.set(`${table}.weight`, changed.changed());
    }
    const { headPath } = this.tree;
    if (this.tokens.has(headPath) || this.ofHead !== null) {
      own.get(`${headPath}.weight`)?.dispose();
      own.set(`${headPath}.weight`, updatedHead(this.replaced.model.head));
    }
    return own;
  }

  dispose(): void {
    for (const { value } of this.weights.values()) value.dispose();
    for (const variable of this.variables.values()) variable.dispose();
  }

  private trained(key: string, values: Float32Array, shape: readonly number[]): Variable {
    const tensor = tf.tensor(values, [...shape], 'float32');
    const variable = tf.variable(tensor, true);
    tensor.dispose();
    this.variables.set(key, variable);
    return variable;
  }

  private pairOf({ rank, scale, a, b }: OwnHeadUpdate, keys: ReturnType<typeof ownKeys>): TrainedPair {
    const { headPath } = this.tree;
    return {
      a: this.trained(keys.update(headPath, 'A'), a, [rank, a.length / rank]),
      b: this.trained(keys.update(headPath, 'B'), b, [b.length / rank, rank]),
      scale,
    };
  }

  private changed(table: EmbeddingLayer, update: TrainedPair | undefined, tokens: Rows | undefined): EmbeddingLayer {
    if (update === undefined && tokens === undefined) return table;
    const own =
      tokens === undefined
        ? new LowRankEmbedding(table, update!)
        : new EmbeddingOfTokens(table, tokens.ids, tokens.rows);
    this.tables.set(own.path, own);
    return own;
  }

  /** Is the head of the model the table of its tokens? */
  private get isTied(): boolean {
    return !this.tree.weights.has(`${this.tree.headPath}.weight`);
  }

  /** The head with weights of its own; else the model's, with the rows that are trained. */
  private head(head: LanguageHead): LanguageHead {
    const { headPath } = this.tree;
    const weight = () => this.headWeight(head.weight);
    const update = headUpdate(
      { own: this.ofHead, ofTable: this.tiedPair },
      { path: headPath, dropout: this.parts.dropout },
    );
    return {
      path: headPath,
      ...(head.softCap !== undefined && { softCap: head.softCap }),
      ...(head.transform && { transform: (hidden, context) => head.transform!(hidden, context) }),
      ...(update && { update }),
      bias: (this.weights.get(`${headPath}.bias`)?.value ?? head.bias) as LanguageHead['bias'],
      get weight(): Tensor2D {
        return weight();
      },
    };
  }

  /** The update of the tokens' table, where the head follows it. */
  private get tiedPair(): TrainedPair | null {
    return this.isTied && this.parts.tiesHead ? (this.lowRank.get(this.table.path) ?? null) : null;
  }

  /** Of a head that follows the tokens' table: under its own keys too, without which PEFT does not load the folder. */
  private ofTiedHead(): (readonly [key: string, value: Tensor])[] {
    const { headPath } = this.tree;
    const keys = ownKeys(this.model, false);
    if (!this.isTied || !this.parts.tiesHead) return [];
    const whole = this.weights.get(`${this.table.path}.weight`);
    const pair = this.tiedPair;
    return [
      ...(whole === undefined ? [] : [[keys.weight(`${headPath}.weight`), tf.clone(whole.value)] as const]),
      ...(pair === null
        ? []
        : [
            [keys.update(headPath, 'A'), tf.transpose(pair.b)] as const,
            [keys.update(headPath, 'B'), tf.transpose(pair.a)] as const,
          ]),
    ];
  }

  /** @param built what the modules over the own weights give: the table's own where head and table are one */
  private headWeight(built: Tensor2D): Tensor2D {
    const { headPath } = this.tree;
    const own = this.weights.get(`${headPath}.weight`)?.value as Tensor2D | undefined;
    const plain = own ?? (this.isTied ? this.tiedWeight(built) : built);
    const tokens = this.tokens.get(headPath);
    return tokens === undefined ? plain : withRows(allRows(plain), tokens.ids, tokens.rows);
  }

  /** PEFT ties trained tokens, and other tables where it is asked to. */
  private tiedWeight(built: Tensor2D): Tensor2D {
    const { path, weight } = this.table;
    if (this.tokens.has(path)) return this.tables.get(path)!.changed();
    return this.parts.tiesHead ? built : weight;
  }

  private areBetween(): boolean {
    const outside = [this.table.path, this.tree.headPath];
    const paths = [
      ...[...this.weights.keys()].map((name) => name.slice(0, name.lastIndexOf('.'))),
      ...this.tables.keys(),
    ];
    return paths.some((path) => !outside.includes(path));
  }
}

/** @throws LLMF_NN_NO_MODULES */
export function treeOf({ tree, modelType }: Model): ModuleTree {
  if (tree === undefined) throw adapterErrors.noModules({ modelType });
  return tree;
}

/** The table of the model's tokens. */
export const tokenTable = ({ embeddings }: ModuleTree): EmbeddingLayer => [...embeddings.values()][0]!;
