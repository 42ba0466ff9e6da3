// SPDX-License-Identifier: Apache-2.0
/**
 * The vision tower of Qwen3-VL (report arXiv 2511.21631, section 2; Transformers 5.18, modeling_qwen3_vl.py): as Qwen2-VL's,
 * with learned position embeddings beside the rotary ones, and features of some blocks (DeepStack, Meng et al., 2024,
 * arXiv 2406.04334) that are added behind the first blocks of the language model.
 * P patches, M tokens, E width of the tower, C width of the language model.
 */
import {
  activation,
  gelu,
  runBlocks,
  tf,
  type Block,
  type Embedding,
  type ForwardContext,
  type LayerNorm,
  type Linear,
  type ModelParts,
} from '@llmf/nn';
import type { Grid } from '../processor/patches.js';
import { PatchEmbedding, patchValues } from './patch-embedding.js';
import { frameLengths, patchPlaces, spansOf } from './patch-order.js';
import { LearnedPositions } from './learned-positions.js';
import { anglesOf, type TowerPass } from './tower-pass.js';
import { VisionAttention } from './vision-attention.js';
import { towerHeadSize, type Qwen3VlVisionConfig } from './vision-config.js';
import { layerContext, type TowerContext, type VisionTower } from './vision-tower.js';

const normEpsilon = 1e-6;

class Qwen3VlBlock implements Block<TowerPass> {
  readonly norm1: LayerNorm;
  readonly norm2: LayerNorm;
  readonly attn: VisionAttention;
  readonly linear_fc1: Linear;
  readonly linear_fc2: Linear;
  private readonly activate: (x: tf.Tensor2D) => tf.Tensor2D;

  constructor(parts: ModelParts, layer: number, config: Qwen3VlVisionConfig) {
    const { hidden_size: width, intermediate_size: inner, num_heads: heads } = config;
    this.norm1 = parts.layerNorm('norm1', width, normEpsilon);
    this.norm2 = parts.layerNorm('norm2', width, normEpsilon);
    this.attn = new VisionAttention(parts.at('attn'), layer, width, towerHeadSize(width, heads));
    this.linear_fc1 = parts.linear('mlp.linear_fc1', [inner, width], true);
    this.linear_fc2 = parts.linear('mlp.linear_fc2', [width, inner], true);
    this.activate = activation('qwen3_vl', 'vision_config.hidden_act', config.hidden_act);
  }

  forward(x: tf.Tensor2D, pass: TowerPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attn.forward(this.norm1.forward(x), pass));
    const inner = this.activate(this.linear_fc1.forward(this.norm2.forward(attended), pass.context)); // [P, F]
    return tf.add(attended, this.linear_fc2.forward(inner, pass.context));
  }
}

/** Patches of a merge block, side by side, through two linear layers; the norm is of a patch, or of all of them together. */
class Qwen3VlMerger {
  readonly norm: LayerNorm;
  readonly linear_fc1: Linear;
  readonly linear_fc2: Linear;

  constructor(
    parts: ModelParts,
    config: Qwen3VlVisionConfig,
    private readonly normsMerged: boolean,
  ) {
    const merged = config.hidden_size * config.spatial_merge_size ** 2;
    this.norm = parts.layerNorm('norm', normsMerged ? merged : config.hidden_size, normEpsilon);
    this.linear_fc1 = parts.linear('linear_fc1', [merged, merged], true);
    this.linear_fc2 = parts.linear('linear_fc2', [config.out_hidden_size, merged], true);
  }

  /** [P, E] → [M, C] */
  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const width = this.linear_fc1.inputs;
    const merge = (patches: tf.Tensor2D): tf.Tensor2D => tf.reshape(patches, [patches.size / width, width]);
    const merged = this.normsMerged ? this.norm.forward(merge(x)) : merge(this.norm.forward(x));
    return this.linear_fc2.forward(gelu(this.linear_fc1.forward(merged, context), 'exact'), context);
  }
}

export class Qwen3VlTower implements VisionTower {
  readonly patchValues: number;
  readonly mergeSize: number;
  readonly addedBlocks: number;
  readonly embedding: PatchEmbedding;
  readonly pos_embed: Embedding;
  readonly blocks: readonly Qwen3VlBlock[];
  readonly merger: Qwen3VlMerger;
  readonly deepstack_merger_list: readonly Qwen3VlMerger[];
  private readonly positions: LearnedPositions;
  private readonly headSize: number;
  /** How many blocks each feature has gone through, and all of them. */
  private readonly stages: readonly number[];

  constructor(parts: ModelParts, config: Qwen3VlVisionConfig) {
    const { hidden_size: width, spatial_merge_size: side, deepstack_visual_indexes: indexes } = config;
    this.patchValues = patchValues(config);
    this.mergeSize = side;
    this.addedBlocks = indexes.length;
    this.headSize = towerHeadSize(width, config.num_heads);
    this.embedding = new PatchEmbedding(parts.at('patch_embed.proj'), config, width, true);
    this.pos_embed = parts.embedding('pos_embed', [config.num_position_embeddings, width]);
    this.positions = new LearnedPositions(this.pos_embed);
    this.blocks = parts.list('blocks', config.depth, (of, layer) => new Qwen3VlBlock(of, layer, config));
    this.merger = new Qwen3VlMerger(parts.at('merger'), config, false);
    this.deepstack_merger_list = indexes.map(
      (_, at) => new Qwen3VlMerger(parts.at(`deepstack_merger_list.${at}`), config, true),
    );
    this.stages = [...indexes.map((index) => index + 1), config.depth];
  }

  forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    return tf.tidy(() => {
      const inFrames = spansOf(frameLengths(grids));
      const places = patchPlaces(grids, this.mergeSize);
      const angles = anglesOf(places, this.headSize, context.gradientCheckpointing);
      const pass: TowerPass = { context: layerContext(context), angles, spansOf: () => inFrames };
      let x: tf.Tensor2D = tf.add(this.embedding.forward(patches), this.positions.forward(places, grids)); // [P, E]
      const features: tf.Tensor2D[] = []; // [M, C] each
      let done = 0;
      for (const [at, stage] of this.stages.entries()) {
        x = runBlocks(this.blocks.slice(done, stage), x, pass);
        done = stage;
        features.push((this.deepstack_merger_list[at] ?? this.merger).forward(x, pass.context));
      }
      return tf.concat([features.at(-1)!, ...features.slice(0, -1)], 1); // [M, C · (1 + features)]
    });
  }
}
