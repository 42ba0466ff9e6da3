// SPDX-License-Identifier: Apache-2.0
// Which stages are compared with Transformers on which architectures: the folders that oracles/stages wrote.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { code, table } from './markdown.mjs';
import { repository } from './packages.mjs';

const folder = join(repository, 'packages/stages/fixtures');
const test = 'packages/stages/test/transformers.test.ts';
const stages = {
  class: 'classification',
  labels: 'classification, multiLabel',
  number: 'regression',
  numbers: 'regression, two outputs',
  words: 'token-classification',
  masked: 'masked',
};

export function stageEqualityTable() {
  const found = new Map();
  for (const name of readdirSync(folder)) {
    if (!existsSync(join(folder, name, 'config.json'))) continue;
    const { model_type: modelType, architectures } = JSON.parse(
      readFileSync(join(folder, name, 'config.json'), 'utf8'),
    );
    const stage = stages[name.slice(name.indexOf('-') + 1)];
    found.set(stage, [...(found.get(stage) ?? []), `${code(modelType)} (${architectures[0]})`]);
  }
  return table(
    ['Stage', 'Compared on', 'Test'],
    [...found].map(([stage, models]) => [stage, models.join(', '), code(test)]),
  );
}
