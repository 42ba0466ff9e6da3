// SPDX-License-Identifier: Apache-2.0
/**
 * The vision tower of Qwen2.5-VL (report arXiv 2502.13923, section 2.1.1; Transformers 5.18, modeling_qwen2_5_vl.py):
 * as Qwen2-VL's, but with RMSNorm, SwiGLU, and attention within windows of 112 × 112 pixels in all blocks but a few.
 * Patches are put into window order once; the merged tokens are put back.
 * P patches, M tokens, E width of the tower, C width of the language model.
 */
import { embedding, GatedMlp, runBlocks, swiglu, tf, type Block, type ModelParts, type RmsNorm } from '@llmf/nn';
import type { Grid } from '../processor/patches.js';
import { PatchEmbedding, patchValues } from './patch-embedding.js';
import { PatchMerger } from './patch-merger.js';
import { frameLengths, patchPlaces, spansOf, windowsOf } from './patch-order.js';
import { anglesOf, type TowerPass } from './tower-pass.js';
import { VisionAttention } from './vision-attention.js';
import { towerHeadSize, type Qwen25VlVisionConfig } from './vision-config.js';
import { layerContext, type TowerContext, type VisionTower } from './vision-tower.js';

const normEpsilon = 1e-6;

class Qwen25VlBlock implements Block<TowerPass> {
  readonly norm1: RmsNorm;
  readonly norm2: RmsNorm;
  readonly attn: VisionAttention;
  readonly mlp: GatedMlp;

  constructor(parts: ModelParts, layer: number, config: Qwen25VlVisionConfig) {
    const { hidden_size: width, intermediate_size: inner, num_heads: heads } = config;
    this.norm1 = parts.rmsNorm('norm1', width, normEpsilon);
    this.norm2 = parts.rmsNorm('norm2', width, normEpsilon);
    this.attn = new VisionAttention(parts.at('attn'), layer, width, towerHeadSize(width, heads));
    this.mlp = new GatedMlp(parts.at('mlp'), [width, inner], true, swiglu);
  }

  forward(x: tf.Tensor2D, pass: TowerPass): tf.Tensor2D {
    const attended: tf.Tensor2D = tf.add(x, this.attn.forward(this.norm1.forward(x), pass));
    return tf.add(attended, this.mlp.forward(this.norm2.forward(attended), pass.context));
  }
}

export class Qwen25VlTower implements VisionTower {
  readonly patchValues: number;
  readonly mergeSize: number;
  readonly embedding: PatchEmbedding;
  readonly blocks: readonly Qwen25VlBlock[];
  readonly norm: RmsNorm;
  readonly merger: PatchMerger;
  private readonly headSize: number;
  private readonly windowTokens: number;
  private readonly seesFrame: ReadonlySet<number>;

  constructor(parts: ModelParts, config: Qwen25VlVisionConfig) {
    const { hidden_size: width, spatial_merge_size: side } = config;
    this.patchValues = patchValues(config);
    this.mergeSize = side;
    this.headSize = towerHeadSize(width, config.num_heads);
    this.windowTokens = Math.trunc(config.window_size / side / config.patch_size);
    this.seesFrame = new Set(config.fullatt_block_indexes);
    this.embedding = new PatchEmbedding(parts.at('patch_embed.proj'), config, width);
    this.blocks = parts.list('blocks', config.depth, (of, layer) => new Qwen25VlBlock(of, layer, config));
    this.norm = parts.rmsNorm('merger.ln_q', width, normEpsilon);
    this.merger = new PatchMerger(parts.at('merger'), [width, config.out_hidden_size], side ** 2);
  }

  forward(patches: tf.Tensor2D, grids: readonly Grid[], context: TowerContext): tf.Tensor2D {
    return tf.tidy(() => {
      const windows = windowsOf(grids, this.mergeSize, this.windowTokens);
      const order = patchOrder(windows.order, this.mergeSize ** 2);
      const pass = this.passOf(grids, order, windows.lengths, context);
      const ordered = embedding(order, this.embedding.forward(patches)); // [P, E] in window order
      const seen = runBlocks(this.blocks, ordered, pass); // [P, E]
      const merged = this.merger.forward(this.norm.forward(seen), pass.context); // [M, C]
      return embedding(windows.inverse, merged); // in the order of the text
    });
  }

  private passOf(
    grids: readonly Grid[],
    order: Int32Array,
    windowLengths: readonly number[],
    context: TowerContext,
  ): TowerPass {
    const [inFrames, inWindows] = [spansOf(frameLengths(grids)), spansOf(windowLengths)];
    const places = patchPlaces(grids, this.mergeSize);
    const ordered = Int32Array.from({ length: places.length }, (_, at) => places[order[at >> 1]! * 2 + (at & 1)]!);
    return {
      context: layerContext(context),
      angles: anglesOf(ordered, this.headSize, context.gradientCheckpointing),
      spansOf: (layer) => (this.seesFrame.has(layer) ? inFrames : inWindows),
    };
  }
}

/** Patches in the order of their tokens. */
function patchOrder(tokens: Int32Array, patchesPerToken: number): Int32Array {
  return Int32Array.from({ length: tokens.length * patchesPerToken }, (_, at) => {
    return tokens[Math.floor(at / patchesPerToken)]! * patchesPerToken + (at % patchesPerToken);
  });
}
