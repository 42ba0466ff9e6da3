// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen2-VL and Qwen2.5-VL: a vision tower in front of a Qwen2 language model with multimodal rope. The language half is
 * the architecture `qwen2`, whoever provides it, under the checkpoint's own keys; only the tower is built here.
 * Wang et al., "Qwen2-VL", 2024 (arXiv 2409.12191); Bai et al., "Qwen2.5-VL technical report", 2025 (arXiv 2502.13923).
 */
import type { Architecture } from '@llmf/nn';
import { Qwen25VlTower } from '../tower/qwen2-5-vl-tower.js';
import { Qwen2VlTower } from '../tower/qwen2-vl-tower.js';
import { qwen25VlVisionConfig, qwen2VlVisionConfig } from '../tower/vision-config.js';
import { textConfigOf } from './text-config.js';
import { visionArchitecture } from './vision-architecture.js';

/** @param language finds the architecture `qwen2` when a model is built */
export const qwen2Vl = (language: () => Architecture): Architecture =>
  visionArchitecture(language, {
    name: 'qwen2_vl',
    description: 'Qwen2-VL: Qwen2 with a vision tower and multimodal rope.',
    config: qwen2VlVisionConfig,
    tower: (parts, config) => new Qwen2VlTower(parts, config),
    tokensPerSecond: () => null,
    textConfig: textConfigOf,
  });

/** @param language finds the architecture `qwen2` when a model is built */
export const qwen25Vl = (language: () => Architecture): Architecture =>
  visionArchitecture(language, {
    name: 'qwen2_5_vl',
    description: 'Qwen2.5-VL: Qwen2.5 with a windowed vision tower and time-aligned multimodal rope.',
    config: qwen25VlVisionConfig,
    tower: (parts, config) => new Qwen25VlTower(parts, config),
    tokensPerSecond: (config) => config.tokens_per_second,
    textConfig: textConfigOf,
  });
