// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { StartedBackendToken, type Choice, type Run } from '@llmf/core';
import {
  ArchitectureToken,
  chosenFormats,
  expansionLines,
  ModelLoaderToken,
  type LoadOptions,
  type Model,
} from '@llmf/nn';
import { chosen } from '../choose.js';
import { trainingHooks } from '../contracts/hooks.js';
import { keepWatch } from './watch-files.js';

/**
 * The model of a folder as this run computes with it: frozen weights as their file or `quantization` has them (null: as
 * their file has them), mapped where the backend maps, after the taps of `modelLoaded`. Left out, `isTrainable` freezes
 * every weight. An `outline` has no values: see LoadOptions.
 */
export async function loadModel(
  run: Run,
  folder: string,
  {
    isTrainable = () => false,
    withoutHead = false,
    shared = new Map(),
    outline = false,
    quantization = run.config.choices['quantization']?.[0] ?? null,
  }: Partial<Pick<LoadOptions, 'isTrainable' | 'withoutHead' | 'shared' | 'outline'>> & {
    readonly quantization?: Choice | null;
  } = {},
): Promise<Model> {
  const backend = run.container.resolve(StartedBackendToken);
  const loader = run.container.resolve(ModelLoaderToken);
  const files = await loader.watch(folder);
  const loaded = await loader.load(folder, {
    formats: chosenFormats(run.container, quantization ?? undefined),
    mapFile: backend.mapFile,
    isTrainable,
    withoutHead,
    outline,
    shared,
    find: (modelType) => chosen(run.container, ArchitectureToken, modelType, join(folder, 'config.json')),
  });
  const hasFrozen = [...loaded.parameters.values()].some(({ trainable }) => !trainable);
  if (!outline) keepWatch(run, files, hasFrozen);
  for (const line of expansionLines(loaded, backend)) run.logger.warn(line);
  return await trainingHooks(run).modelLoaded.promise(loaded);
}
