// SPDX-License-Identifier: Apache-2.0
import type { ModuleNames } from '../contracts/index.js';

const prefix = 'base_model.model.';

/** The name of a tensor in adapter_model.safetensors: PEFT's wrapper, the module's path in Transformers, the half. */
export const peftKey = (path: string, half: 'A' | 'B', names?: ModuleNames): string =>
  `${prefix}${names?.toTransformers(path) ?? path}.lora_${half}.weight`;

/** VeLoRA keeps the direction on which it compresses activations for the reverse pass; results do not depend on it. */
export const isForTrainingOnly = (key: string): boolean => key.endsWith('.lora_velora_embed');

/** The name of a head's weight in the adapter of a sequence classifier; PEFT's save leaves its wrapper's name out. */
export const peftHeadKey = (name: string): string => `${prefix}${name}`;

/**
 * The weight of the head that a tensor of such an adapter is, `score.weight`; null for a tensor of another kind. PEFT
 * wraps a classifier's `score` or `classifier`, and whatever else was asked for by name.
 */
export function parsePeftHeadKey(key: string): string | null {
  const bare = key.replace(/\.modules_to_save(\.default)?(?=\.)/, '');
  const parts = /^base_model\.model\.((?:score|classifier)(?:\.\w+)?|\w+\.pooler\.dense)\.(weight|bias)$/.exec(bare);
  return parts === null ? null : `${parts[1]}.${parts[2]}`;
}
