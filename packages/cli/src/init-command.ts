// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { initModel } from '@llmf/models';
import { ArchitectureToken } from '@llmf/nn';
import { composeEngine } from './compose-engine.js';
import type { CliIo } from './io.js';

export interface InitFlags {
  readonly config: string;
  readonly tokenizer: string;
  readonly seed: number;
  readonly plugin?: readonly string[];
}

/** Makes a model folder with random weights and says what it holds. */
export async function initCommand(
  io: CliIo,
  folder: string,
  { config, tokenizer, seed, plugin: plugins = [] }: InitFlags,
) {
  const { engine } = await composeEngine({ folder: io.folder, plugins });
  const { modelType, parameters, copied } = await initModel(resolve(io.folder, folder), {
    config: resolve(io.folder, config),
    tokenizerFolder: resolve(io.folder, tokenizer),
    seed,
    find: (name) => engine.find(ArchitectureToken, name),
  });
  await engine.close();
  io.out.write(
    `${folder}: a ${modelType} model of ${parameters.toLocaleString('en')} random weights, with ${copied.join(', ')}\n`,
  );
}
