// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen2-VL and Qwen2.5-VL: a vision tower in front of a Qwen2 language model with multimodal rope. The language half is
 * the architecture `qwen2`, whoever provides it, under the checkpoint's own keys; only the tower is built here.
 * Wang et al., "Qwen2-VL", 2024 (arXiv 2409.12191); Bai et al., "Qwen2.5-VL technical report", 2025 (arXiv 2502.13923).
 */
import type { Architecture } from '@llmf/nn';
import { Qwen25VlTower, qwen25VlTowerWeights } from '../tower/qwen2-5-vl-tower.js';
import { Qwen2VlTower, qwen2VlTowerWeights } from '../tower/qwen2-vl-tower.js';
import { qwen25VlVisionConfig, qwen2VlVisionConfig, readVisionConfig } from '../tower/vision-config.js';
import { moduleNames } from './module-names.js';
import { textConfigOf } from './text-config.js';
import { recording, VisionLanguageModel, visionFacts, type VisionFacts } from './vision-language-model.js';

/** @param language finds the architecture `qwen2` when a model is built */
export function qwen2Vl(language: () => Architecture): Architecture {
  const name = 'qwen2_vl';
  return {
    name,
    description: 'Qwen2-VL: Qwen2 with a vision tower and multimodal rope.',
    ...languageHalf(language),
    weights: (config) => {
      const tower = qwen2VlTowerWeights(readVisionConfig(qwen2VlVisionConfig, config));
      return new Map([...tower, ...language().weights(textConfigOf(config))]);
    },
    build(config, weights) {
      const vision = readVisionConfig(qwen2VlVisionConfig, config);
      const { source, taken } = recording(weights);
      const tower = new Qwen2VlTower(vision, source);
      const text = language().build(textConfigOf(config), weights);
      return new VisionLanguageModel(name, config, text, tower, taken, visionFacts(config, vision, null));
    },
  };
}

/** @param language finds the architecture `qwen2` when a model is built */
export function qwen25Vl(language: () => Architecture): Architecture {
  const name = 'qwen2_5_vl';
  return {
    name,
    description: 'Qwen2.5-VL: Qwen2.5 with a windowed vision tower and time-aligned multimodal rope.',
    ...languageHalf(language),
    weights: (config) => {
      const tower = qwen25VlTowerWeights(readVisionConfig(qwen25VlVisionConfig, config));
      return new Map([...tower, ...language().weights(textConfigOf(config))]);
    },
    build(config, weights) {
      const vision = readVisionConfig(qwen25VlVisionConfig, config);
      const { source, taken } = recording(weights);
      const tower = new Qwen25VlTower(vision, source);
      const text = language().build(textConfigOf(config), weights);
      const facts = visionFacts(config, vision, vision.tokens_per_second);
      return new VisionLanguageModel(name, config, text, tower, taken, facts);
    },
  };
}

/** What data needs to know of a vision-language model, from its config.json alone; null for any other model. */
export function readVisionFacts(config: Readonly<Record<string, unknown>>): VisionFacts | null {
  if (config['model_type'] === 'qwen2_vl') {
    return visionFacts(config, readVisionConfig(qwen2VlVisionConfig, config), null);
  }
  if (config['model_type'] !== 'qwen2_5_vl') return null;
  const vision = readVisionConfig(qwen25VlVisionConfig, config);
  return visionFacts(config, vision, vision.tokens_per_second);
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
