// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { modelErrors } from '../errors.js';

/** A checkpoint's config.json, every key kept. */
export type ModelConfig = Record<string, unknown> & { readonly model_type: string };

/** @throws LLMF_MODELS_CONFIG_UNREADABLE, LLMF_MODELS_MODEL_TYPE */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  return checkedConfig(join(folder, 'config.json'), await readJson(join(folder, 'config.json')));
}

/** @throws LLMF_MODELS_MODEL_TYPE */
export function checkedConfig(file: string, config: unknown): ModelConfig {
  const type = (config as { model_type?: unknown } | null)?.model_type;
  if (typeof type === 'string') return config as ModelConfig;
  const keys =
    typeof config === 'object' && config !== null ? Object.keys(config).slice(0, 8).join(', ') : String(config);
  throw modelErrors.modelType({ file, got: type === undefined ? `keys ${keys || '(none)'}` : JSON.stringify(type) });
}

/** @throws LLMF_MODELS_CONFIG_UNREADABLE */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    throw modelErrors.configUnreadable({ file, reason: (error as Error).message }, { cause: error });
  }
}
