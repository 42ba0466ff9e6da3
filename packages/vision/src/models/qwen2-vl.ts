// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen2-VL and Qwen2.5-VL: a vision tower in front of a Qwen2 language model with multimodal rope. The language half is
 * the architecture `qwen2`, whoever provides it, under the checkpoint's own keys; only the tower is built here.
 * Wang et al., "Qwen2-VL", 2024 (arXiv 2409.12191); Bai et al., "Qwen2.5-VL technical report", 2025 (arXiv 2502.13923).
 */
import { ModelParts, WeightRecorder, type Architecture, type WeightSource } from '@llmf/nn';
import type { z } from 'zod';
import { Qwen25VlTower } from '../tower/qwen2-5-vl-tower.js';
import { Qwen2VlTower } from '../tower/qwen2-vl-tower.js';
import { qwen25VlVisionConfig, qwen2VlVisionConfig, readVisionConfig } from '../tower/vision-config.js';
import type { VisionTower } from '../tower/vision-tower.js';
import { moduleNames } from './module-names.js';
import { textConfigOf } from './text-config.js';
import { VisionLanguageModel, visionFacts, type PatchShape, type VisionFacts } from './vision-language-model.js';

/** @param language finds the architecture `qwen2` when a model is built */
export const qwen2Vl = (language: () => Architecture): Architecture =>
  visionArchitecture(language, {
    name: 'qwen2_vl',
    description: 'Qwen2-VL: Qwen2 with a vision tower and multimodal rope.',
    config: qwen2VlVisionConfig,
    tower: (parts, config) => new Qwen2VlTower(parts, config),
    tokensPerSecond: () => null,
  });

/** @param language finds the architecture `qwen2` when a model is built */
export const qwen25Vl = (language: () => Architecture): Architecture =>
  visionArchitecture(language, {
    name: 'qwen2_5_vl',
    description: 'Qwen2.5-VL: Qwen2.5 with a windowed vision tower and time-aligned multimodal rope.',
    config: qwen25VlVisionConfig,
    tower: (parts, config) => new Qwen25VlTower(parts, config),
    tokensPerSecond: (config) => config.tokens_per_second,
  });

/** What data needs to know of a vision-language model, from its config.json alone; null for any other model. */
export function readVisionFacts(config: Readonly<Record<string, unknown>>): VisionFacts | null {
  if (config['model_type'] === 'qwen2_vl') {
    return visionFacts(config, readVisionConfig(qwen2VlVisionConfig, config), null);
  }
  if (config['model_type'] !== 'qwen2_5_vl') return null;
  const vision = readVisionConfig(qwen25VlVisionConfig, config);
  return visionFacts(config, vision, vision.tokens_per_second);
}

/** A vision tower in front of a language model of text. */
interface VisionFamily<Schema extends z.ZodType<PatchShape>> {
  readonly name: string;
  readonly description: string;
  /** Of `vision_config`. */
  readonly config: Schema;
  tower(parts: ModelParts, config: z.output<Schema>): VisionTower;
  tokensPerSecond(config: z.output<Schema>): number | null;
}

function visionArchitecture<Schema extends z.ZodType<PatchShape>>(
  language: () => Architecture,
  { name, description, config: schema, tower: make, tokensPerSecond }: VisionFamily<Schema>,
): Architecture {
  const treeOf = (config: Record<string, unknown>, source: WeightSource) => {
    const vision = readVisionConfig(schema, config);
    const parts = new ModelParts(source);
    return { vision, parts, tower: make(parts.at('visual', { isBeside: true }), vision) };
  };
  return {
    name,
    description,
    ...languageHalf(language),
    weights(config) {
      const recorder = new WeightRecorder();
      treeOf(config, recorder);
      return new Map([...recorder.weights, ...language().weights(textConfigOf(config))]);
    },
    build(config, source) {
      const { vision, parts, tower } = treeOf(config, source);
      const text = language().build(textConfigOf(config), source);
      const facts = visionFacts(config, vision, tokensPerSecond(vision));
      return new VisionLanguageModel(name, config, text, tower, parts, facts);
    },
  };
}

/** What is the language half's alone. */
function languageHalf(
  language: () => Architecture,
): Pick<Architecture, 'blocks' | 'renameWeight' | 'moduleNames' | 'tied' | 'remarks'> {
  return {
    moduleNames,
    blocks: (config) => language().blocks(textConfigOf(config)),
    renameWeight(key) {
      const name = moduleNames.fromTransformers(key);
      const ofText = language().renameWeight;
      return name.startsWith('visual.') || ofText === undefined ? name : ofText(name);
    },
    tied: (config) => language().tied?.(textConfigOf(config)) ?? new Map(),
    remarks: (config) => language().remarks?.(textConfigOf(config)) ?? [],
  };
}
