// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { readIfThere } from '@llmf/core';
import { visionErrors } from '../errors.js';

type Triple = readonly [number, number, number];

/** What a checkpoint says about its pictures or films. */
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

/** Those of `Qwen2VLVideoProcessor`: other limits per frame. */
export const defaultVideoConfig: ProcessorConfig = {
  ...defaultProcessorConfig,
  minPixels: 128 * 28 * 28,
  maxPixels: 28 * 28 * 768,
};

type Raw = Readonly<Record<string, unknown>>;

const processorTypes = ['Qwen2VLImageProcessor', 'Qwen2VLImageProcessorFast', 'Qwen2VLImageProcessorPil'];

/** The one file of all processors that Transformers 5 writes; where it has the part, the part counts. */
const wholeFile = 'processor_config.json';
const imageFile = 'preprocessor_config.json';
const videoFile = 'video_preprocessor_config.json';

/** How a model folder wants its pictures. @throws LLMF_VISION_PROCESSOR_CONFIG_MISSING, LLMF_VISION_PROCESSOR_CONFIG */
export async function readProcessorConfig(folder: string): Promise<ProcessorConfig> {
  const part = await processorPart(folder, 'image_processor', [imageFile]);
  if (part === null) throw visionErrors.processorConfigMissing({ file: join(folder, imageFile) });
  return parseProcessorConfig(part.raw, part.file);
}

/** How a model folder wants its films: a part or file of their own, else the pictures' under the films' own defaults. */
export async function readVideoProcessorConfig(folder: string): Promise<ProcessorConfig> {
  const part = await processorPart(folder, 'video_processor', [videoFile, imageFile]);
  if (part === null) return await readProcessorConfig(folder);
  const { image_processor_type: _, video_processor_type: __, ...raw } = part.raw;
  return parseProcessorConfig(raw, part.file, defaultVideoConfig);
}

interface Part {
  readonly raw: Raw;
  /** For messages. */
  readonly file: string;
}

/** In Transformers' order: the part of the one file, then the first file of its own. */
async function processorPart(folder: string, name: string, files: readonly string[]): Promise<Part | null> {
  const whole = join(folder, wholeFile);
  const part = (await readObject(whole))?.[name];
  if (typeof part === 'object' && part !== null) return { raw: part as Raw, file: `${whole}, ${name}` };
  for (const name of files) {
    const file = join(folder, name);
    const raw = await readObject(file);
    if (raw !== null) return { raw, file };
  }
  return null;
}

async function readObject(file: string): Promise<Raw | null> {
  const text = await readIfThere(file);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Raw;
  } catch {
    // Said below.
  }
  throw visionErrors.processorConfigBroken({ file });
}

/**
 * @param file for messages
 * @param defaults of the class that reads it
 */
export function parseProcessorConfig(
  raw: Raw,
  file: string,
  defaults: ProcessorConfig = defaultProcessorConfig,
): ProcessorConfig {
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
  const number = (key: string, fallback: number, from: Raw = raw): number => {
    const value = from[key] ?? fallback;
    if (typeof value !== 'number' || !(value > 0)) throw refuse(from === raw ? key : 'size', 'numbers above 0');
    return value;
  };
  const triple = (key: string, fallback: Triple): Triple => {
    const value = raw[key] ?? fallback;
    if (!Array.isArray(value) || value.length !== 3 || value.some((part) => typeof part !== 'number')) {
      throw refuse(key, 'three numbers');
    }
    return value as unknown as Triple;
  };
  const size = edgesOf(raw);
  if (size === null) throw refuse('size', 'shortest_edge and longest_edge (pixels of the whole picture)');
  return {
    minPixels: number('shortest_edge', defaults.minPixels, size),
    maxPixels: number('longest_edge', defaults.maxPixels, size),
    patchSize: number('patch_size', defaults.patchSize),
    temporalPatchSize: number('temporal_patch_size', defaults.temporalPatchSize),
    mergeSize: number('merge_size', defaults.mergeSize),
    mean: triple('image_mean', defaults.mean),
    std: triple('image_std', defaults.std),
  };
}

/**
 * `size` with the older `min_pixels` and `max_pixels` above it; {} where nothing is said. null: one of its two keys is
 * missing, which Transformers refuses once a picture comes.
 */
function edgesOf({ size, min_pixels, max_pixels }: Raw): Raw | null {
  const older = {
    ...(isGiven(min_pixels) && { shortest_edge: min_pixels }),
    ...(isGiven(max_pixels) && { longest_edge: max_pixels }),
  };
  if (!isGiven(size)) return older;
  if (typeof size !== 'object') return null;
  const edges: Raw = { ...(size as Raw), ...older };
  return isGiven(edges['shortest_edge']) && isGiven(edges['longest_edge']) ? edges : null;
}

const isGiven = (value: unknown) => value !== undefined && value !== null;
