// SPDX-License-Identifier: Apache-2.0
/**
 * Qwen3-VL: a vision tower in front of a Qwen3 language model, whose multimodal rope lets time, height and width take
 * turns, and to whose first blocks features of the tower's blocks are added. The language half is the architecture
 * `qwen3`, whoever provides it. Pictures only: a film's frames stand in the text one by one, each behind its time.
 * Qwen Team, "Qwen3-VL technical report", 2025 (arXiv 2511.21631).
 */
import type { Architecture } from '@llmf/nn';
import { Qwen3VlTower } from '../tower/qwen3-vl-tower.js';
import { qwen3VlVisionConfig } from '../tower/vision-config.js';
import { qwen3TextConfigOf } from './text-config.js';
import { visionArchitecture } from './vision-architecture.js';

/** @param language finds the architecture `qwen3` when a model is built */
export const qwen3Vl = (language: () => Architecture): Architecture =>
  visionArchitecture(language, {
    name: 'qwen3_vl',
    description: 'Qwen3-VL: Qwen3 with a vision tower, multimodal rope and features behind its first blocks.',
    config: qwen3VlVisionConfig,
    tower: (parts, config) => new Qwen3VlTower(parts, config),
    tokensPerSecond: () => null,
    hasFilms: false,
    textConfig: qwen3TextConfigOf,
    namesWeightsAsModules: true,
  });
