// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { llmf, repository, succeeded } from './command.js';
import { pageNamed, tableRows } from './docs.js';
import { metricsOf } from './first-run.js';

const folder = join(repository, 'recipes');

export const recipes = readdirSync(folder)
  .filter((name) => name.endsWith('.yaml'))
  .toSorted();

/** One row of the README's table. */
export interface Figure {
  readonly recipe: string;
  readonly metric: string;
  readonly before: number;
  readonly after: number;
}

export function statedFigures(): Figure[] {
  return tableRows(pageNamed('recipes/README.md'), '# Recipes', 'Recipe').map(
    ([recipe = '', metric = '', before = '', after = '']) => ({
      recipe: recipe.replaceAll('`', ''),
      metric: metric.replaceAll('`', ''),
      before: Number(before),
      after: Number(after),
    }),
  );
}

/** Trains a recipe with the real command, outside the repository; the rows of its metrics.jsonl. */
export async function trainRecipe(recipe: string, ...words: string[]): Promise<Record<string, number>[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'llmf-recipe-'));
  try {
    const elsewhere = [`output=${join(scratch, 'run')}`, `data.cache=${join(scratch, 'cache')}`, 'backend=wasm'];
    const own = recipe === 'pretrain.yaml' ? [`model.path=${await untrained(scratch)}`] : [];
    succeeded(await llmf(['train', recipe, ...own, ...elsewhere, ...words], { folder }));
    return await metricsOf(join(scratch, 'run'));
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** As recipes/README.md makes it. */
async function untrained(scratch: string): Promise<string> {
  const model = join(scratch, 'untrained');
  const architecture = '../examples/first-run/architecture';
  const from = ['--config', `${architecture}/config.json`, '--tokenizer', architecture, '--seed', '1'];
  succeeded(await llmf(['init', model, ...from], { folder }));
  return model;
}
