// SPDX-License-Identifier: Apache-2.0
/**
 * The vision tower of Qwen2.5-VL (report arXiv 2502.13923, section 2.1.1; Transformers 5.18, modeling_qwen2_5_vl.py):
 * as Qwen2-VL's, but with RMSNorm, SwiGLU, and attention within windows of 112 × 112 pixels in all blocks but a few.
 * Patches are put into window order once; the merged tokens are put back.
 * P patches, M tokens, E width of the tower, C width of the language model.
 */
import {
  checkpoint,
  embedding,
  Linear,
  RmsNorm,
  swiglu,
  tf,
  type AttentionSpan,
  type ForwardContext,
  type WeightInfo,
  type WeightSource,
} from '@llmf/nn';
import type { Grid } from '../processor/patches.js';
import { PatchEmbedding } from './patch-embedding.js';
import { frameLengths, patchPlaces, spansOf, windowsOf } from './patch-order.js';
import { linearWeights, mergerWeights, patchEmbeddingWeight, PatchMerger } from './qwen2-vl-tower.js';
import { anglesOf, VisionAttention, type Angles } from './vision-attention.js';
import { towerHeadSize, type Qwen25VlVisionConfig } from './vision-config.js';
import { layerContext, type TowerContext, type VisionTower } from './vision-tower.js';

const normEpsilon = 1e-6;
const blockPath = (index: number) => `visual.blocks.${index}`;

export class Qwen25VlTower implements VisionTower {
  readonly patchValues: number;
  readonly mergeSize: number;
  readonly blocks: readonly string[];
  readonly linears: readonly Linear[];
  readonly #embedding: PatchEmbedding;
  readonly #blocks: readonly Block[];
  readonly #merger: PatchMerger;
  readonly #headSize: number;
  readonly #windowTokens: number;
  readonly #seesFrame: ReadonlySet<number>;

  constructor(config: Qwen25VlVisionConfig, weights: WeightSource) {
    this.patchValues = config.in_channels * config.temporal_patch_size * config.patch_size ** 2;
    this.mergeSize = config.spatial_merge_size;
    this.#headSize = towerHeadSize(config.hidden_size, config.num_heads);
    this.#windowTokens = Math.trunc(config.window_size / config.spatial_merge_size / config.patch_size);
    this.#seesFrame = new Set(config.fullatt_block_indexes);
    this.#embedding = PatchEmbedding.from(weights, 'visual.patch_embed.proj');
    this.blocks = Array.from({ length: config.depth }, (_, index) => blockPath(index));
    this.#blocks = this.blocks.map((path) => new Block(config, weights, path));
    this.#merger = new PatchMerger(
      weights,
      RmsNorm.from(weights, 'visual.merger.ln_q', normEpsilon),
      config.spatial_merge_size,
    );
    this.linears = [...this.#blocks.flatMap(({ linears }) => linears), ...this.#merger.linears];
  }

  forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    return tf.tidy(() => this.#forward(patches, grids, context));
  }

  #forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    const windows = windowsOf(grids, this.mergeSize, this.#windowTokens);
    const order = patchOrder(windows.order, this.mergeSize ** 2);
    const inFrames = spansOf(frameLengths(grids));
    const inWindows = spansOf(windows.lengths);
    const places = patchPlaces(grids, this.mergeSize);
    const ordered = Int32Array.from({ length: places.length }, (_, at) => places[order[at >> 1]! * 2 + (at & 1)]!);
    const angles = anglesOf(ordered, this.#headSize, context.gradientCheckpointing);
    const layers = layerContext(context);
    let x = embedding(order, this.#embedding.forward(patches)); // [P, E] in window order
    this.#blocks.forEach((block, index) => {
      const spans = this.#seesFrame.has(index) ? inFrames : inWindows;
      const run = (input: tf.Tensor2D) => tf.tidy(() => block.forward(input, spans, angles, layers));
      x = context.gradientCheckpointing ? checkpoint(run, x) : run(x);
    });
    return embedding(windows.inverse, this.#merger.forward(x, layers)); // [M, C] in the order of the text
  }
}

/** Patches in the order of their tokens. */
function patchOrder(tokens: Int32Array, patchesPerToken: number): Int32Array {
  return Int32Array.from({ length: tokens.length * patchesPerToken }, (_, at) => {
    return tokens[Math.floor(at / patchesPerToken)]! * patchesPerToken + (at % patchesPerToken);
  });
}

class Block {
  readonly linears: readonly Linear[];
  readonly #norm1: RmsNorm;
  readonly #norm2: RmsNorm;
  readonly #attention: VisionAttention;
  readonly #gate: Linear;
  readonly #up: Linear;
  readonly #down: Linear;

  constructor(config: Qwen25VlVisionConfig, weights: WeightSource, path: string) {
    this.#norm1 = RmsNorm.from(weights, `${path}.norm1`, normEpsilon);
    this.#norm2 = RmsNorm.from(weights, `${path}.norm2`, normEpsilon);
    this.#attention = new VisionAttention(weights, `${path}.attn`, config.num_heads);
    this.#gate = Linear.from(weights, `${path}.mlp.gate_proj`, { bias: true });
    this.#up = Linear.from(weights, `${path}.mlp.up_proj`, { bias: true });
    this.#down = Linear.from(weights, `${path}.mlp.down_proj`, { bias: true });
    this.linears = [this.#attention.qkv, this.#attention.proj, this.#gate, this.#up, this.#down];
  }

  forward(x: tf.Tensor2D, spans: readonly AttentionSpan[], angles: Angles, context: ForwardContext): tf.Tensor2D {
    const attended = tf.add(x, this.#attention.forward(this.#norm1.forward(x), spans, angles, context)) as tf.Tensor2D;
    const normed = this.#norm2.forward(attended);
    const inner = swiglu(this.#gate.forward(normed, context), this.#up.forward(normed, context));
    return tf.add(attended, this.#down.forward(inner, context));
  }
}

/** Names and shapes of the tower's weights, as the checkpoints on the hub store them. */
export function qwen25VlTowerWeights(config: Qwen25VlVisionConfig): [string, WeightInfo][] {
  const { hidden_size: width, intermediate_size: inner } = config;
  const norm = (path: string): [string, WeightInfo] => [
    `${path}.weight`,
    { shape: [width], init: 'ones', kind: 'norm' },
  ];
  return [
    patchEmbeddingWeight(config, width),
    ...Array.from({ length: config.depth }, (_, index) => blockPath(index)).flatMap((path) => [
      norm(`${path}.norm1`),
      norm(`${path}.norm2`),
      ...linearWeights(`${path}.attn.qkv`, width, 3 * width),
      ...linearWeights(`${path}.attn.proj`, width, width),
      ...linearWeights(`${path}.mlp.gate_proj`, width, inner),
      ...linearWeights(`${path}.mlp.up_proj`, width, inner),
      ...linearWeights(`${path}.mlp.down_proj`, inner, width),
    ]),
    norm('visual.merger.ln_q'),
    ...mergerWeights(width, config.out_hidden_size, config.spatial_merge_size),
  ];
}
