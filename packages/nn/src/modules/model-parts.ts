// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type {
  EmbeddingLayer,
  ExpertLayers,
  LinearLayer,
  Model,
  Parameter,
  WeightInfo,
  WeightSource,
} from '../contracts/model.js';
import { Embedding } from '../layers/embedding.js';
import { Linear } from '../layers/linear.js';
import { LayerNorm, RmsNorm } from '../layers/norms.js';

/** What a weight is besides its name and shape. */
type Facts = Partial<Omit<WeightInfo, 'shape'>>;

/**
 * What a module tree is built from. Modules ask for their parts by the checkpoint's names, below their own path; names,
 * shapes and order of all weights, the layers that adapters reach and the paths of blocks are what was asked for. So a
 * tree is the one place that names a weight: built over a `WeightRecorder`, it gives the table of its weights.
 */
export class ModelParts implements WeightSource {
  readonly parameters = new Map<string, Parameter>();
  readonly linears = new Map<string, LinearLayer>();
  /** Tables of embeddings by path; every family asks for that of its tokens first. */
  readonly embeddings = new Map<string, EmbeddingLayer>();
  /** What each weight is, by name. */
  readonly weights = new Map<string, WeightInfo>();
  /** Layers of experts, by the path of all of them. */
  readonly expertLayers = new Map<string, readonly ExpertLayers[]>();
  /** Module paths of the blocks, in order. */
  readonly blocks: string[] = [];
  /** Names a file may carry for a weight that is another one. */
  readonly tied = new Map<string, string>();
  private prefix = '';
  private facts: Facts = {};

  constructor(private readonly source: WeightSource) {}

  /** The parts below a module (an empty path: this one), all with these facts. */
  at(path: string, facts: Facts = {}): ModelParts {
    const below = Object.create(this) as ModelParts;
    below.prefix = path === '' ? this.prefix : `${this.pathOf(path)}.`;
    below.facts = { ...this.facts, ...facts };
    return below;
  }

  pathOf(name: string): string {
    return this.prefix + name;
  }

  take(name: string, info: WeightInfo): Parameter {
    const whole = { ...info, ...this.facts };
    const parameter = this.source.take(this.pathOf(name), whole);
    this.weights.set(parameter.name, whole);
    this.parameters.set(parameter.name, parameter);
    return parameter;
  }

  /** `count` modules `<path>.0`, `<path>.1`, … of transformer blocks. */
  list<Block>(path: string, count: number, make: (parts: ModelParts, layer: number) => Block): Block[] {
    return Array.from({ length: count }, (_, layer) => {
      this.blocks.push(this.pathOf(`${path}.${layer}`));
      return make(this.at(`${path}.${layer}`), layer);
    });
  }

  /** `count` experts `<path>.0`, `<path>.1`, … of a mixture. */
  experts<Expert extends ExpertLayers>(path: string, count: number, make: (parts: ModelParts) => Expert): Expert[] {
    const experts = Array.from({ length: count }, (_, expert) => make(this.at(`${path}.${expert}`)));
    this.expertLayers.set(this.pathOf(path), experts);
    return experts;
  }

  /** `<path>.weight` [outputs, inputs] and, where it has one, `<path>.bias`: a layer that adapters reach. */
  linear(path: string, shape: readonly [outputs: number, inputs: number], hasBias: boolean, facts: Facts = {}): Linear {
    const weight = this.matrix(`${path}.weight`, shape, { kind: 'linear', ...facts });
    const layer = new Linear(this.pathOf(path), weight, hasBias ? this.bias(`${path}.bias`, shape[0]) : null);
    this.linears.set(layer.path, layer);
    return layer;
  }

  /** The table `<path>.weight` [rows, columns]. */
  embedding(path: string, shape: readonly [rows: number, columns: number], facts: Facts = {}): EmbeddingLayer {
    const weight = this.matrix(`${path}.weight`, shape, { kind: 'embedding', ...facts });
    const plain = new Embedding(weight, this.pathOf(path));
    const table = this.source.inPlaceOf?.(plain) ?? plain;
    this.embeddings.set(table.path, table);
    return table;
  }

  /** `<path>.weight` [size] */
  rmsNorm(path: string, size: number, epsilon: number): RmsNorm {
    return new RmsNorm(this.scale(`${path}.weight`, size), epsilon);
  }

  /** `<path>.weight` and, where it has one, `<path>.bias`, each [size] */
  layerNorm(path: string, size: number, epsilon: number, hasBias = true): LayerNorm {
    const weight = this.scale(`${path}.weight`, size);
    return new LayerNorm(weight, hasBias ? this.bias(`${path}.bias`, size) : null, epsilon);
  }

  /** The language-model head at this path: `weight` [vocabulary, C], perhaps `bias`; the weight is `tiedTo`'s where given. */
  head(
    shape: readonly [vocabulary: number, hidden: number],
    { tiedTo = null, hasBias = false }: { readonly tiedTo?: EmbeddingLayer | null; readonly hasBias?: boolean } = {},
  ): Model['head'] {
    if (tiedTo !== null) this.tie('weight', `${tiedTo.path}.weight`);
    const weight = tiedTo?.weight ?? this.matrix('weight', shape, { kind: 'head' });
    return { path: this.pathOf('').slice(0, -1), weight, bias: hasBias ? this.bias('bias', shape[0]) : null };
  }

  /** A file may carry this name too, for the weight of that name. */
  tie(name: string, weight: string): void {
    this.tied.set(this.pathOf(name), weight);
  }

  /** A vector [size] that is added. */
  bias(name: string, size: number): Tensor1D {
    return this.take(name, { shape: [size], init: 'zeros', kind: 'bias' }).value as Tensor1D;
  }

  private matrix(name: string, shape: readonly [number, number], facts: Pick<WeightInfo, 'kind'> & Facts): Tensor2D {
    return this.take(name, { shape, init: 'normal', ...facts }).value as Tensor2D;
  }

  private scale(name: string, size: number): Tensor1D {
    return this.take(name, { shape: [size], init: 'ones', kind: 'norm' }).value as Tensor1D;
  }
}
