// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { type Run, findSection, readIfThere } from '@llmf/core';
import { ModelLoaderToken, modelSection } from '@llmf/nn';
import { visionErrors } from './errors.js';
import { contextLengthOf, readVisionFacts } from './models/read-vision-facts.js';
import type { VisionFacts } from './models/vision-language-model.js';
import type { VisionOptions } from './options.js';
import { llamaFactoryLimits, type PixelLimits } from './processor/pre-resize.js';
import type { ImageSettings } from './processor/process-image.js';
import { readProcessorConfig, readVideoProcessorConfig, type ProcessorConfig } from './processor/processor-config.js';
import type { TurnTokens } from './rows/fit-row.js';
import type { PerKind } from './rows/media-plan.js';

/** What data needs to know of the run's model before any weight is read. */
export interface MediaModel {
  readonly folder: string;
  readonly facts: VisionFacts;
  readonly contextLength: number;
  readonly settings: PerKind<ImageSettings>;
}

/** null where the model's config.json is not that of a model with eyes (or not there: the loader says so). */
export async function readMediaModel(run: Run, options: VisionOptions): Promise<MediaModel | null> {
  const section = findSection(run.config, modelSection);
  if (section?.path === undefined) return null;
  const folder = await run.container.resolve(ModelLoaderToken).locate(section.path, run.folder);
  const text = await readIfThere(join(folder, 'config.json'));
  const config = text === null ? null : parsedObject(text);
  const facts = config === null ? null : readVisionFacts(config);
  if (config === null || facts === null) return null;
  return {
    folder,
    facts,
    contextLength: contextLengthOf(config) ?? defaultContextLength,
    settings: await mediaSettings(folder, options, facts),
  };
}

/** Transformers' default of `max_position_embeddings` for both families. */
const defaultContextLength = 32768;

function parsedObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** How pictures and films are processed: the checkpoint's settings under the user's limits. */
export async function mediaSettings(
  modelFolder: string,
  options: VisionOptions,
  { shape }: VisionFacts,
): Promise<PerKind<ImageSettings>> {
  const image = await readProcessorConfig(modelFolder);
  const video = await readVideoProcessorConfig(modelFolder);
  const { exif, limits } = options;
  const settings = (processor: ProcessorConfig, pixels: VisionOptions['image']): ImageSettings => {
    checkShape(processor, shape, modelFolder);
    return { processor, preResize: pixelLimits(pixels), exif, limits };
  };
  return { image: settings(image, options.image), video: settings(video, options.video) };
}

/** null when neither is set; LLaMA-Factory's smallest size where only the largest is. */
function pixelLimits({ maxPixels, minPixels }: VisionOptions['image']): PixelLimits | null {
  if (maxPixels === null && minPixels === null) return null;
  return { maxPixels: maxPixels ?? Number.MAX_SAFE_INTEGER, minPixels: minPixels ?? llamaFactoryLimits.minPixels };
}

/** The processor must cut patches as the tower's weights expect them. */
function checkShape(processor: ProcessorConfig, shape: VisionFacts['shape'], folder: string): void {
  const keys = { patch_size: 'patchSize', temporal_patch_size: 'temporalPatchSize', merge_size: 'mergeSize' } as const;
  for (const [key, name] of Object.entries(keys)) {
    if (processor[name] === shape[name]) continue;
    const file = join(folder, 'preprocessor_config.json');
    throw visionErrors.processorConfig({
      file,
      key,
      got: String(processor[name]),
      expected: `${shape[name]}, as in config.json`,
    });
  }
}

/** The tokens that open a user's turn in a ChatML tokenizer; null where it has none. */
export async function turnTokens(tokenizerFolder: string): Promise<TurnTokens | null> {
  const text = await readIfThere(join(tokenizerFolder, 'tokenizer.json'));
  if (text === null) return null;
  const tokenizer = JSON.parse(text) as {
    added_tokens?: readonly { readonly id: number; readonly content: string }[];
    model?: { vocab?: Readonly<Record<string, number>> };
  };
  const start = tokenizer.added_tokens?.find(({ content }) => content === '<|im_start|>')?.id;
  const user = tokenizer.model?.vocab?.['user'];
  return start === undefined || user === undefined ? null : { start, user };
}
