// SPDX-License-Identifier: Apache-2.0
import type { Variable } from '@tensorflow/tfjs-core';
import type { AttachedAdapter, LinearLayer, LowRank, MergedLayer, Model, ReplacedModules } from '../contracts/index.js';
import type { SavedHeads } from '../contracts/head.js';
import { tf } from '../tf.js';
import type { OwnModules } from './own/own-modules.js';
import { peftKey } from './peft-names.js';
import { targetModules } from './target-modules.js';

export interface LayerPair {
  readonly layer: LinearLayer;
  readonly rank: number;
  readonly alpha: number;
  readonly a: Float32Array; // [rank, inputs]
  readonly b: Float32Array; // [outputs, rank]
}

/** What holds for the whole adapter; the patterns name layers of another rank or alpha, as PEFT's. */
export interface LoraFacts {
  readonly rank: number;
  readonly alpha: number;
  readonly dropout: number;
  readonly rsLora: boolean;
  readonly rankPattern: Readonly<Record<string, number>>;
  readonly alphaPattern: Readonly<Record<string, number>>;
}

export class LoraAdapter implements AttachedAdapter {
  readonly variables: ReadonlyMap<string, Variable>;
  readonly peftConfig: Readonly<Record<string, unknown>>;
  readonly isIdentity: boolean;
  readonly heads?: SavedHeads;
  readonly replaced?: ReplacedModules;
  private readonly layers: ReadonlyMap<string, LowRank>;

  constructor(
    model: Model,
    pairs: readonly LayerPair[],
    facts: LoraFacts,
    heads: SavedHeads | null = null,
    private readonly own: OwnModules | null = null,
  ) {
    this.layers = new Map(pairs.map((pair) => [pair.layer.path, lowRankOf(pair, facts)]));
    this.variables = new Map([
      ...[...this.layers].flatMap(([path, { a, b }]) => [
        [peftKey(path, 'A', model.moduleNames), a] as const,
        [peftKey(path, 'B', model.moduleNames), b] as const,
      ]),
      ...(own?.variables ?? []),
    ]);
    const targets = [...this.paths, ...(own?.lowRankPaths ?? [])];
    this.peftConfig = { ...peftConfig(model, targets, facts), ...own?.peftConfig };
    this.isIdentity = pairs.every(({ b }) => b.every((value) => value === 0)) && own?.isIdentity !== false;
    if (heads !== null) this.heads = heads;
    if (own !== null) this.replaced = own.replaced;
  }

  /** Of the layers it changes, in forward order. */
  get paths(): readonly string[] {
    return [...this.layers.keys()];
  }

  lowRank(path: string): LowRank | null {
    return this.layers.get(path) ?? null;
  }

  /** With modules of its own, its file is more than its variables. */
  get saved(): AttachedAdapter['saved'] {
    const { own, layers, variables } = this;
    if (own === null) return undefined;
    const pairs = [...variables].slice(0, 2 * layers.size);
    return () => new Map([...pairs.map(([key, value]) => [key, tf.clone(value)] as const), ...own.saved()]);
  }

  get ownWeights(): AttachedAdapter['ownWeights'] {
    return this.own === null ? undefined : () => this.own!.ownWeights();
  }

  /** W + scale · B A */
  merged({ path, weight }: LinearLayer): MergedLayer | null {
    const lowRank = this.layers.get(path);
    if (lowRank === undefined) return null;
    const { a, b, scale } = lowRank;
    return { weight: tf.tidy(() => tf.add(weight, tf.mul(tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D), scale))) };
  }

  dispose(): void {
    for (const { a, b } of this.layers.values()) tf.dispose([a, b]);
    this.own?.dispose();
  }
}

function lowRankOf({ layer, rank, alpha, a, b }: LayerPair, { rsLora, dropout }: LoraFacts): LowRank {
  const scale = alpha / (rsLora ? Math.sqrt(rank) : rank);
  return { a: variable(a, [rank, layer.inputs]), b: variable(b, [layer.outputs, rank]), scale, dropout };
}

function variable(values: Float32Array, shape: [number, number]): Variable {
  const tensor = tf.tensor2d(values, shape, 'float32');
  const kept = tf.variable(tensor, true);
  tensor.dispose();
  return kept;
}

function peftConfig(model: Model, paths: readonly string[], facts: LoraFacts): Record<string, unknown> {
  return {
    peft_type: 'LORA',
    // PEFT has none for masked tokens, and that for encoder–decoders (0.21) does not load beside Transformers 5.18.
    task_type: model.isEncoder === true || model.decoderStart !== undefined ? null : 'CAUSAL_LM',
    base_model_name_or_path: model.config['_name_or_path'] ?? '',
    r: facts.rank,
    lora_alpha: facts.alpha,
    rank_pattern: facts.rankPattern,
    alpha_pattern: facts.alphaPattern,
    lora_dropout: facts.dropout,
    use_rslora: facts.rsLora,
    use_dora: false,
    bias: 'none',
    fan_in_fan_out: false, // PEFT sets it itself for layers stored the other way round
    init_lora_weights: true,
    inference_mode: true,
    modules_to_save: null,
    target_modules: targetModules(model, paths),
  };
}
