// SPDX-License-Identifier: Apache-2.0
/**
 * The vision tower of Qwen2-VL (report arXiv 2409.12191, section 2.1; Transformers 5.18, modeling_qwen2_vl.py):
 * patches of 2 × 14 × 14 pixels, two-dimensional rope, attention within a frame, LayerNorm, QuickGELU, and a merger
 * that turns 2 × 2 patches into one embedding of the language model.
 * P patches, M = P / 4 tokens, E width of the tower, C width of the language model.
 */
import {
  checkpoint,
  gelu,
  LayerNorm,
  Linear,
  tf,
  type AttentionSpan,
  type ForwardContext,
  type GeluForm,
  type WeightInfo,
  type WeightSource,
} from '@llmf/nn';
import type { Grid } from '../processor/patches.js';
import { PatchEmbedding } from './patch-embedding.js';
import { frameLengths, patchPlaces, spansOf } from './patch-order.js';
import { anglesOf, VisionAttention, type Angles } from './vision-attention.js';
import { geluForm, towerHeadSize, type Qwen2VlVisionConfig } from './vision-config.js';
import { layerContext, type TowerContext, type VisionTower } from './vision-tower.js';

const normEpsilon = 1e-6;
const blockPath = (index: number) => `visual.blocks.${index}`;

export class Qwen2VlTower implements VisionTower {
  readonly patchValues: number;
  readonly mergeSize: number;
  readonly blocks: readonly string[];
  readonly linears: readonly Linear[];
  readonly #embedding: PatchEmbedding;
  readonly #blocks: readonly Block[];
  readonly #merger: PatchMerger;
  readonly #headSize: number;

  constructor(config: Qwen2VlVisionConfig, weights: WeightSource) {
    this.patchValues = config.in_channels * config.temporal_patch_size * config.patch_size ** 2;
    this.mergeSize = config.spatial_merge_size;
    this.#headSize = towerHeadSize(config.embed_dim, config.num_heads);
    this.#embedding = PatchEmbedding.from(weights, 'visual.patch_embed.proj');
    this.blocks = Array.from({ length: config.depth }, (_, index) => blockPath(index));
    this.#blocks = this.blocks.map((path) => new Block(config, weights, path));
    this.#merger = new PatchMerger(
      weights,
      LayerNorm.from(weights, 'visual.merger.ln_q', normEpsilon),
      config.spatial_merge_size,
    );
    this.linears = [...this.#blocks.flatMap(({ linears }) => linears), ...this.#merger.linears];
  }

  forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    return tf.tidy(() => this.#forward(patches, grids, context));
  }

  #forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    const spans = spansOf(frameLengths(grids));
    const angles = anglesOf(patchPlaces(grids, this.mergeSize), this.#headSize, context.gradientCheckpointing);
    const layers = layerContext(context);
    let x = this.#embedding.forward(patches); // [P, E]
    for (const block of this.#blocks) {
      const run = (input: tf.Tensor2D) => tf.tidy(() => block.forward(input, spans, angles, layers));
      x = context.gradientCheckpointing ? checkpoint(run, x) : run(x);
    }
    return this.#merger.forward(x, layers); // [M, C]
  }
}

class Block {
  readonly linears: readonly Linear[];
  readonly #norm1: LayerNorm;
  readonly #norm2: LayerNorm;
  readonly #attention: VisionAttention;
  readonly #fc1: Linear;
  readonly #fc2: Linear;
  readonly #form: GeluForm;

  constructor(config: Qwen2VlVisionConfig, weights: WeightSource, path: string) {
    this.#norm1 = LayerNorm.from(weights, `${path}.norm1`, normEpsilon);
    this.#norm2 = LayerNorm.from(weights, `${path}.norm2`, normEpsilon);
    this.#attention = new VisionAttention(weights, `${path}.attn`, config.num_heads);
    this.#fc1 = Linear.from(weights, `${path}.mlp.fc1`, { bias: true });
    this.#fc2 = Linear.from(weights, `${path}.mlp.fc2`, { bias: true });
    this.#form = geluForm(config.hidden_act);
    this.linears = [this.#attention.qkv, this.#attention.proj, this.#fc1, this.#fc2];
  }

  forward(x: tf.Tensor2D, spans: readonly AttentionSpan[], angles: Angles, context: ForwardContext): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.#attention.forward(this.#norm1.forward(x), spans, angles, context));
    const inner = gelu(this.#fc1.forward(this.#norm2.forward(attended), context), this.#form); // [P, E · ratio]
    return tf.add(attended, this.#fc2.forward(inner, context));
  }
}

/** Patches of a merge block, side by side, through two linear layers with GELU between. */
export class PatchMerger {
  readonly linears: readonly Linear[];
  readonly #first: Linear;
  readonly #second: Linear;

  constructor(
    weights: WeightSource,
    private readonly norm: { forward(x: tf.Tensor2D): tf.Tensor2D },
    private readonly mergeSize: number,
  ) {
    this.#first = Linear.from(weights, 'visual.merger.mlp.0', { bias: true });
    this.#second = Linear.from(weights, 'visual.merger.mlp.2', { bias: true });
    this.linears = [this.#first, this.#second];
  }

  /** [P, E] → [M, C] */
  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const [patches, width] = x.shape;
    const block = this.mergeSize ** 2;
    const merged: tf.Tensor2D = tf.reshape(this.norm.forward(x), [patches / block, width * block]);
    return this.#second.forward(gelu(this.#first.forward(merged, context), 'exact'), context);
  }
}

/** Names and shapes of the tower's weights, as the checkpoints on the hub store them. */
export function qwen2VlTowerWeights(config: Qwen2VlVisionConfig): [string, WeightInfo][] {
  const { embed_dim: width, hidden_size: out } = config;
  const inner = Math.trunc(width * config.mlp_ratio);
  return [
    patchEmbeddingWeight(config, width),
    ...Array.from({ length: config.depth }, (_, index) => blockPath(index)).flatMap((path) => [
      ...normWeights(`${path}.norm1`, width),
      ...normWeights(`${path}.norm2`, width),
      ...linearWeights(`${path}.attn.qkv`, width, 3 * width),
      ...linearWeights(`${path}.attn.proj`, width, width),
      ...linearWeights(`${path}.mlp.fc1`, width, inner),
      ...linearWeights(`${path}.mlp.fc2`, inner, width),
    ]),
    ...normWeights('visual.merger.ln_q', width),
    ...mergerWeights(width, out, config.spatial_merge_size),
  ];
}

type Named = [string, WeightInfo];

export const linearWeights = (path: string, inputs: number, outputs: number): Named[] => [
  [`${path}.weight`, { shape: [outputs, inputs], init: 'normal', kind: 'linear', isBeside: true }],
  [`${path}.bias`, { shape: [outputs], init: 'zeros', kind: 'bias' }],
];

const normWeights = (path: string, width: number): Named[] => [
  [`${path}.weight`, { shape: [width], init: 'ones', kind: 'norm' }],
  [`${path}.bias`, { shape: [width], init: 'zeros', kind: 'bias' }],
];

/** Not a `linear` matrix: it has five axes, and no adapter or frozen storage is for it. */
export function patchEmbeddingWeight(
  config: { readonly in_channels: number; readonly temporal_patch_size: number; readonly patch_size: number },
  width: number,
): Named {
  const { in_channels: channels, temporal_patch_size: frames, patch_size: side } = config;
  return [
    'visual.patch_embed.proj.weight',
    { shape: [width, channels, frames, side, side], init: 'normal', kind: 'norm' },
  ];
}

export function mergerWeights(width: number, out: number, mergeSize: number): Named[] {
  const merged = width * mergeSize ** 2;
  return [
    ...linearWeights('visual.merger.mlp.0', merged, merged),
    ...linearWeights('visual.merger.mlp.2', merged, out),
  ];
}
