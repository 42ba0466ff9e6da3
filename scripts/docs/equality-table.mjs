// SPDX-License-Identifier: Apache-2.0
// Which configs of each architecture are compared with Transformers: the folders that oracles/ wrote.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, table } from './markdown.mjs';
import { repository } from './packages.mjs';

/** Packages with fixtures of architectures, and the test that goes over those that have this file. */
const sources = [
  ['packages/models/fixtures', 'packages/models/test/architectures.test.ts', 'expected.safetensors'],
  ['packages/models/fixtures', 'packages/models/test/encoders.test.ts', 'hidden.safetensors'],
  ['packages/models/fixtures', 'packages/models/test/encoder-decoders.test.ts', 'expected-pairs.safetensors'],
  ['packages/vision/fixtures', 'packages/vision/test/tiny-models.test.ts', 'model.safetensors'],
];

export function equalityTable() {
  const rows = sources.flatMap(([folder, test, file]) => {
    const names = new Map();
    for (const [name, modelType] of fixturesIn(join(repository, folder), file))
      names.set(modelType, [...(names.get(modelType) ?? []), code(name)]);
    return [...names].map(([modelType, configs]) => [code(modelType), configs.join(', '), code(test)]);
  });
  return table(['Architecture', 'Configs', 'Test'], rows);
}

const fixturesIn = (folder, file) =>
  readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, file)) && existsSync(join(folder, name, 'config.json')))
    .map((name) => [name, JSON.parse(readFileSync(join(folder, name, 'config.json'), 'utf8')).model_type]);
