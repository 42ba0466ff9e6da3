// SPDX-License-Identifier: Apache-2.0
/**
 * The vision tower of Qwen2-VL (report arXiv 2409.12191, section 2.1; Transformers 5.18, modeling_qwen2_vl.py):
 * patches of 2 × 14 × 14 pixels, two-dimensional rope, attention within a frame, LayerNorm, QuickGELU, and a merger
 * that turns 2 × 2 patches into one embedding of the language model.
 * P patches, M = P / 4 tokens, E width of the tower, C width of the language model.
 */
import { activation, runBlocks, tf, type Block, type LayerNorm, type Linear, type ModelParts } from '@llmf/nn';
import type { Grid } from '../processor/patches.js';
import { PatchEmbedding, patchValues } from './patch-embedding.js';
import { PatchMerger } from './patch-merger.js';
import { frameLengths, patchPlaces, spansOf } from './patch-order.js';
import { anglesOf, type TowerPass } from './tower-pass.js';
import { VisionAttention } from './vision-attention.js';
import { towerHeadSize, type Qwen2VlVisionConfig } from './vision-config.js';
import { layerContext, type TowerContext, type VisionTower } from './vision-tower.js';

const normEpsilon = 1e-6;

class Qwen2VlBlock implements Block<TowerPass> {
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly attn: VisionAttention;
  readonly fc1: Linear;
  readonly fc2: Linear;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, layer: number, config: Qwen2VlVisionConfig) {
    const { embed_dim: width, num_heads: heads } = config;
    const inner = Math.trunc(width * config.mlp_ratio);
    this.norm1 = parts.layerNorm('norm1', width, normEpsilon);
    this.norm2 = parts.layerNorm('norm2', width, normEpsilon);
    this.attn = new VisionAttention(parts.at('attn'), layer, width, towerHeadSize(width, heads));
    this.fc1 = parts.linear('mlp.fc1', [inner, width], true);
    this.fc2 = parts.linear('mlp.fc2', [width, inner], true);
    this.activate = activation('qwen2_vl', 'vision_config.hidden_act', config.hidden_act);
  }

  forward(x: tf.Tensor2D, pass: TowerPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attn.forward(this.norm1.forward(x), pass));
    const inner = this.activate(this.fc1.forward(this.norm2.forward(attended), pass.context)); // [P, E · ratio]
    return tf.add(attended, this.fc2.forward(inner, pass.context));
  }
}

export class Qwen2VlTower implements VisionTower {
  readonly patchValues: number;
  readonly mergeSize: number;
  readonly embedding: PatchEmbedding;
  readonly blocks: readonly Qwen2VlBlock[];
  readonly norm: LayerNorm;
  readonly merger: PatchMerger;
  private readonly headSize: number;

  constructor(parts: ModelParts, config: Qwen2VlVisionConfig) {
    const { embed_dim: width, spatial_merge_size: side } = config;
    this.patchValues = patchValues(config);
    this.mergeSize = side;
    this.headSize = towerHeadSize(width, config.num_heads);
    this.embedding = new PatchEmbedding(parts.at('patch_embed.proj'), config, width);
    this.blocks = parts.list('blocks', config.depth, (of, layer) => new Qwen2VlBlock(of, layer, config));
    this.norm = parts.layerNorm('merger.ln_q', width, normEpsilon);
    this.merger = new PatchMerger(parts.at('merger'), [width, config.hidden_size], side ** 2);
  }

  forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    return tf.tidy(() => {
      const inFrames = spansOf(frameLengths(grids));
      const angles = anglesOf(patchPlaces(grids, this.mergeSize), this.headSize, context.gradientCheckpointing);
      const pass: TowerPass = { context: layerContext(context), angles, spansOf: () => inFrames };
      const seen = runBlocks(this.blocks, this.embedding.forward(patches), pass); // [P, E]
      return this.merger.forward(this.norm.forward(seen), pass.context); // [M, C]
    });
  }
}
