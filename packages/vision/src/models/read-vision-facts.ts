// SPDX-License-Identifier: Apache-2.0
import {
  qwen25VlVisionConfig,
  qwen2VlVisionConfig,
  qwen3VlVisionConfig,
  readVisionConfig,
} from '../tower/vision-config.js';
import { qwen3TextConfigOf, textConfigOf } from './text-config.js';
import { visionFacts, type VisionFacts } from './vision-language-model.js';

type Config = Readonly<Record<string, unknown>>;

/** What data needs to know of a vision-language model, from its config.json alone; null for any other model. */
export function readVisionFacts(config: Config): VisionFacts | null {
  switch (config['model_type']) {
    case 'qwen2_vl':
      return visionFacts(config, readVisionConfig(qwen2VlVisionConfig, config), null);
    case 'qwen2_5_vl': {
      const vision = readVisionConfig(qwen25VlVisionConfig, config);
      return visionFacts(config, vision, vision.tokens_per_second);
    }
    case 'qwen3_vl':
      return visionFacts(config, readVisionConfig(qwen3VlVisionConfig, config), null, false);
    default:
      return null;
  }
}

/** Tokens that fit, of such a config; null where it does not say. */
export function contextLengthOf(config: Config): number | null {
  const text = config['model_type'] === 'qwen3_vl' ? qwen3TextConfigOf(config) : textConfigOf(config);
  const length = text['max_position_embeddings'];
  return typeof length === 'number' ? length : null;
}
