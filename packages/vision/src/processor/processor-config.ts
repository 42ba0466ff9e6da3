// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { visionErrors } from '../errors.js';

type Triple = readonly [number, number, number];

/** What a checkpoint's preprocessor_config.json says about pictures. */
export interface ProcessorConfig {
  readonly minPixels: number;
  readonly maxPixels: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Frames per patch; a still picture is repeated. */
  readonly temporalPatchSize: number;
  /** Patches per side that become one token. */
  readonly mergeSize: number;
  readonly mean: Triple;
  readonly std: Triple;
}

/** Transformers' class defaults of `Qwen2VLImageProcessor`; mean and std are CLIP's. */
export const defaultProcessorConfig: ProcessorConfig = {
  minPixels: 56 * 56,
  maxPixels: 28 * 28 * 1280,
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

const processorTypes = ['Qwen2VLImageProcessor', 'Qwen2VLImageProcessorFast', 'Qwen2VLImageProcessorPil'];

/** Reads preprocessor_config.json of a model folder. @throws LLMF_VISION_FILE_MISSING, LLMF_VISION_PROCESSOR_CONFIG */
export async function readProcessorConfig(folder: string): Promise<ProcessorConfig> {
  const file = join(folder, 'preprocessor_config.json');
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch {
    throw visionErrors.processorConfigMissing({ file });
  }
  return parseProcessorConfig(JSON.parse(text) as Record<string, unknown>, file);
}

/** @param file for messages */
export function parseProcessorConfig(raw: Record<string, unknown>, file: string): ProcessorConfig {
  const refuse = (key: string, expected: string) =>
    visionErrors.processorConfig({ file, key, got: JSON.stringify(raw[key]), expected });
  const type = raw['image_processor_type'];
  if (type !== undefined && !processorTypes.includes(String(type))) {
    throw refuse('image_processor_type', processorTypes[0]!);
  }
  const fixed = { do_resize: true, do_rescale: true, do_normalize: true, do_convert_rgb: true, resample: 3 } as const;
  for (const [key, value] of Object.entries(fixed)) {
    if (raw[key] !== undefined && raw[key] !== null && raw[key] !== value) throw refuse(key, String(value));
  }
  const factor = raw['rescale_factor'];
  if (factor !== undefined && Math.abs(Number(factor) - 1 / 255) > 1e-12) throw refuse('rescale_factor', '1/255');
  const size = (raw['size'] ?? {}) as Record<string, unknown>;
  const number = (key: string, fallback: number, from: Record<string, unknown> = raw): number => {
    const value = from[key] ?? fallback;
    if (typeof value !== 'number' || !(value > 0)) throw refuse(key, 'a number above 0');
    return value;
  };
  const triple = (key: string, fallback: Triple): Triple => {
    const value = raw[key] ?? fallback;
    if (!Array.isArray(value) || value.length !== 3 || value.some((part) => typeof part !== 'number')) {
      throw refuse(key, 'three numbers');
    }
    return value as unknown as Triple;
  };
  const defaults = defaultProcessorConfig;
  return {
    minPixels: number('min_pixels', number('shortest_edge', defaults.minPixels, size)),
    maxPixels: number('max_pixels', number('longest_edge', defaults.maxPixels, size)),
    patchSize: number('patch_size', defaults.patchSize),
    temporalPatchSize: number('temporal_patch_size', defaults.temporalPatchSize),
    mergeSize: number('merge_size', defaults.mergeSize),
    mean: triple('image_mean', defaults.mean),
    std: triple('image_std', defaults.std),
  };
}
