// SPDX-License-Identifier: Apache-2.0
import { readText } from '@llmf/core';
import { join } from 'node:path';
import { modelErrors } from '../errors.js';

/** A checkpoint's config.json, every key kept. */
export type ModelConfig = Record<string, unknown> & { readonly model_type: string };

/**
 * What a model is computed by; how its files keep the weights is read apart.
 * @throws LLMF_MODELS_CONFIG_UNREADABLE, LLMF_MODELS_MODEL_TYPE, LLMF_MODELS_CONFIG_COUNT
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const { quantization_config: _, ...config } = await readWholeConfig(folder);
  return config as ModelConfig;
}

/** `quantization_config` of a folder's config.json; null where its weights are plain. @throws as `readModelConfig` */
export async function readQuantization(folder: string): Promise<Readonly<Record<string, unknown>> | null> {
  const { quantization_config: settings } = await readWholeConfig(folder);
  return typeof settings === 'object' ? (settings as Readonly<Record<string, unknown>> | null) : null;
}

async function readWholeConfig(folder: string): Promise<ModelConfig> {
  return checkedConfig(join(folder, 'config.json'), await readJson(join(folder, 'config.json')));
}

/** @throws LLMF_MODELS_MODEL_TYPE, LLMF_MODELS_CONFIG_COUNT */
export function checkedConfig(file: string, config: unknown): ModelConfig {
  const type = (config as { model_type?: unknown } | null)?.model_type;
  if (typeof type === 'string') return checkedCounts(file, config as ModelConfig);
  const keys =
    typeof config === 'object' && config !== null ? Object.keys(config).slice(0, 8).join(', ') : String(config);
  throw modelErrors.modelType({ file, got: type === undefined ? `keys ${keys || '(none)'}` : JSON.stringify(type) });
}

/** More than any model has; a table of its weights, made before its files are looked at, would take all memory. */
const mostLayers = 10_000;
const mostExperts = 100_000;

/** @throws LLMF_MODELS_CONFIG_COUNT */
function checkedCounts(file: string, config: ModelConfig): ModelConfig {
  for (const [key, value] of countsIn(config)) {
    const limit = /expert/.test(key) ? mostExperts : mostLayers;
    if (value > limit) throw modelErrors.configCount({ file, key, got: value, limit });
  }
  const [layers, experts] = [/(?:layers?|blocks|depth)$/, /experts$/].map((kind) => largestOf(config, kind));
  const got = layers! * experts!;
  if (got > mostExperts) throw modelErrors.configCount({ file, key: 'layers × experts', got, limit: mostExperts });
  return config;
}

/** The largest number of layers, or of experts; 1 where there is none. */
const largestOf = (config: ModelConfig, kind: RegExp): number =>
  countsIn(config).reduce((most, [key, value]) => (kind.test(key) ? Math.max(most, value) : most), 1);

/** Numbers of layers and experts, those of the config's parts too. */
function countsIn(config: object, path = ''): [string, number][] {
  return Object.entries(config).flatMap(([key, value]): [string, number][] => {
    if (typeof value === 'number' && isCount.test(key)) return [[`${path}${key}`, value]];
    const isPart = key.endsWith('_config') && path === '' && typeof value === 'object' && value !== null;
    return isPart ? countsIn(value as object, `${key}.`) : [];
  });
}

const isCount = /(?:layers?|blocks|depth|experts)$/;

/** @throws LLMF_MODELS_CONFIG_UNREADABLE */
export async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readText(file)) as unknown;
  } catch (error) {
    throw modelErrors.configUnreadable({ file, reason: (error as Error).message }, { cause: error });
  }
}

/**
 * A config as the text of config.json. What was 1.0 in the text that it came from is 1.0 again: JavaScript knows no such
 * difference, but Transformers refuses a whole number where a class says float.
 */
export function configText(config: object, source: string): string {
  const floats = new Set([...source.matchAll(/"([^"\\]+)"\s*:\s*-?\d+\.0+(?=\s*[,}\]])/g)].map(([, key]) => key));
  const text = JSON.stringify(config, null, 2).replace(/"([^"\\]+)": (-?\d+)(?=,?\n)/g, (pair: string, key: string) =>
    floats.has(key) ? `${pair}.0` : pair,
  );
  return `${text}\n`;
}
