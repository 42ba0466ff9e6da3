// SPDX-License-Identifier: Apache-2.0
// Hostile folders of every architecture: the config.json or the weights of what oracles/ wrote, mutated from a seed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './command.js';
import { loadWhole, type Random, type Target } from './fuzz.js';

const folders = ['models', 'vision'].flatMap((name) => {
  const root = join(repository, 'packages', name, 'fixtures');
  return readdirSync(root)
    .map((each) => join(root, each))
    .filter((folder) => ['config.json', 'model.safetensors'].every((file) => existsSync(join(folder, file))));
});

const modelTypeOf = (folder: string) =>
  (JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { readonly model_type: string }).model_type;

/** The first folder of each architecture. */
const byType = new Map(folders.toReversed().map((folder) => [modelTypeOf(folder), folder] as const));

export const modelTypes: readonly string[] = [...byType.keys()].toSorted();

export const architectureTargets: readonly Target[] = [...byType].flatMap(([modelType, folder]) => [
  {
    name: 'config.json',
    title: `${modelType} config.json`,
    within: folder,
    sample: () => readFileSync(join(folder, 'config.json')),
    mutate: mutatedConfig,
    read: (file) => loadWhole(join(file, '..')),
  },
  {
    name: 'model.safetensors',
    title: `${modelType} model.safetensors`,
    within: folder,
    sample: () => readFileSync(join(folder, 'model.safetensors')),
    read: (file) => loadWhole(join(file, '..')),
  },
]);

const extremes = [
  0,
  -1,
  0.5,
  1e308,
  2 ** 31,
  2 ** 53,
  null,
  true,
  '',
  '\u0000',
  [],
  [[]],
  {},
  { rope_type: {} },
  'constructor',
];

/** One to three values of a config, at any depth, replaced, removed or doubled. */
function mutatedConfig(sample: Buffer, random: Random): Buffer {
  const config = JSON.parse(sample.toString('utf8')) as Record<string, unknown>;
  for (let times = 1 + Math.floor(random() * 3); times > 0; times--) change(config, random);
  return Buffer.from(JSON.stringify(config));
}

function change(config: Record<string, unknown>, random: Random): void {
  const keys = Object.keys(config);
  const key = keys[Math.floor(random() * keys.length)];
  if (key === undefined) return;
  const value = config[key];
  const isPart = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (isPart && random() < 0.8) return change(value as Record<string, unknown>, random);
  const kind = random();
  if (kind < 0.1) delete config[key];
  else if (kind < 0.4 && typeof value === 'number') config[key] = value * 2 ** Math.floor(random() * 60 - 10);
  else if (kind < 0.5 && Array.isArray(value)) value.push(...(value as unknown[]));
  else config[key] = extremes[Math.floor(random() * extremes.length)];
}
