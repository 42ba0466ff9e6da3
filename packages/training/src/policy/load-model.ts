// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { PrecisionToken, StartedBackendToken, type Run } from '@llmf/core';
import { ArchitectureToken, ModelLoaderToken, type LoadOptions, type Model } from '@llmf/nn';
import { chosen } from '../choose.js';
import { trainingHooks } from '../contracts/hooks.js';

/**
 * The model of a folder as this run computes with it: in its precision, mapped where the backend maps, after the taps of
 * `modelLoaded`. Left out, `isTrainable` freezes every weight.
 */
export async function loadModel(
  run: Run,
  folder: string,
  isTrainable: LoadOptions['isTrainable'] = () => false,
): Promise<Model> {
  const loaded = await run.container.resolve(ModelLoaderToken).load(folder, {
    precision: run.container.resolve(PrecisionToken),
    mapFile: run.container.resolve(StartedBackendToken).mapFile,
    isTrainable,
    find: (modelType) => chosen(run.container, ArchitectureToken, modelType, join(folder, 'config.json')),
  });
  return await trainingHooks(run).modelLoaded.promise(loaded);
}
