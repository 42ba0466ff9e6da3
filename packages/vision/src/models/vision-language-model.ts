// SPDX-License-Identifier: Apache-2.0
import { tf, type ForwardContext, type LinearLayer, type Model, type Parameter } from '@llmf/nn';
import type { ProcessorConfig } from '../processor/processor-config.js';
import { mediaTokensOf, type MediaTokens } from '../tokens/media-tokens.js';
import { moduleNames } from './module-names.js';
import type { VisionTower } from '../tower/vision-tower.js';

const mark = Symbol.for('llmf:vision-language-model');

/** What the tower was trained on and the positions it expects. */
export interface VisionFacts {
  readonly tokens: MediaTokens;
  readonly shape: Pick<ProcessorConfig, 'patchSize' | 'temporalPatchSize' | 'mergeSize'>;
  /** Qwen2.5-VL: position steps per second of video; null: one per temporal patch. */
  readonly tokensPerSecond: number | null;
  /** Qwen3-VL writes the time of each frame between frames, which data does not: it takes pictures alone. */
  readonly hasFilms: boolean;
}

/**
 * A language model with eyes: as a `Model` it is its language half; the tower turns pictures into embeddings that take
 * the place of their tokens' before `forward`.
 */
export class VisionLanguageModel implements Model {
  readonly [mark] = true;
  readonly moduleNames = moduleNames;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly linears: ReadonlyMap<string, LinearLayer>;
  declare readonly targets?: ReadonlyMap<string, LinearLayer>;

  constructor(
    readonly modelType: string,
    readonly config: Readonly<Record<string, unknown>>,
    private readonly language: Model,
    readonly tower: VisionTower,
    readonly towerParts: Pick<Model, 'parameters' | 'linears'>,
    readonly vision: VisionFacts,
  ) {
    this.parameters = new Map([...towerParts.parameters, ...language.parameters]);
    this.linears = new Map([...towerParts.linears, ...language.linears]);
  }

  get contextLength(): number {
    return this.language.contextLength;
  }
  get vocabularySize(): number {
    return this.language.vocabularySize;
  }
  get hiddenSize(): number {
    return this.language.hiddenSize;
  }
  get tree(): Model['tree'] {
    return this.language.tree;
  }
  get head(): Model['head'] {
    return this.language.head;
  }
  /** Of the language half: freeze tuning counts these. */
  get blocks(): readonly string[] {
    return this.language.blocks;
  }

  embed(ids: tf.Tensor1D): tf.Tensor2D {
    return this.language.embed(ids);
  }

  /** @param embedded [T, C], wider behind pictures where the tower adds to the hidden states of the first blocks */
  forward(embedded: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const parts = embedded.shape[1] / this.hiddenSize;
    if (parts === 1) return this.language.forward(embedded, context);
    return tf.tidy(() => {
      const [row, ...addedAfterBlocks] = tf.split<tf.Tensor2D>(embedded, parts, 1);
      return this.language.forward(row!, { ...context, addedAfterBlocks });
    });
  }

  dispose(): void {
    for (const { value } of this.parameters.values()) value.dispose();
  }

  /** Recognised across package copies, also behind a wrapper that keeps the prototype. */
  static is(model: unknown): model is VisionLanguageModel {
    return typeof model === 'object' && model !== null && mark in model;
  }
}

/** The keys of `vision_config` that say how pictures are cut. */
export interface PatchShape {
  readonly patch_size: number;
  readonly temporal_patch_size: number;
  readonly spatial_merge_size: number;
}

/** Facts that both families read alike from config.json. */
export function visionFacts(
  config: Readonly<Record<string, unknown>>,
  patches: PatchShape,
  tokensPerSecond: number | null,
  hasFilms = true,
): VisionFacts {
  const { patch_size: patchSize, temporal_patch_size: temporalPatchSize, spatial_merge_size: mergeSize } = patches;
  const shape = { patchSize, temporalPatchSize, mergeSize };
  return { tokens: mediaTokensOf(config), shape, tokensPerSecond, hasFilms };
}
