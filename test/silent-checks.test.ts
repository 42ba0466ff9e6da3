// SPDX-License-Identifier: Apache-2.0
// The checks before the first step (docs/checks.md) have nothing to say of what we show. Those while it trains and at the end:
// the tests of the examples, and slow/silent-checks.slow.ts.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { writeFiles } from '../examples/positive-reviews/files.mjs';
import { llmf, repository, succeeded } from './support/command.js';
import { expectSilentCheck } from './support/silent.js';
import { writeTinyEncoder } from './support/tiny-encoder.js';

const scratch = mkdtempSync(join(tmpdir(), 'llmf-silent-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const recipes = readdirSync(join(repository, 'recipes')).filter((name) => name.endsWith('.yaml'));
const inQlora = [
  'model.path=../first-run/model',
  'quantization=nf4',
  'adapter={name: lora, rank: 8, targets: all}',
  'data.maxLength=128',
  'train.learningRate=1e-3',
  'data.train=[{path: ../first-run/data/train.json}]',
];
const shown: readonly (readonly [folder: string, ...words: string[]])[] = [
  // Where a model is made first, the one that lies there.
  ...recipes.map((name) => ['recipes', name, 'model.path=../examples/first-run/model'] as const),
  ['examples/first-run', 'sft.yaml', 'model.path=model'],
  ['examples/first-run', '--plugin', 'loss-simpo'],
  ['examples/write-a-loss'],
  // The stages of its pipeline.
  ['examples/qlora', ...inQlora, 'stage=sft'],
  ['examples/qlora', ...inQlora, '--plugin', 'loss-dpo', 'data.eval=[{path: ../first-run/data/held-out.json}]'],
];

it('covers every recipe', () => expect(recipes.length).toBeGreaterThanOrEqual(5));

it.each(shown)('%s %s %s', { timeout: 60_000 }, async (folder, ...words) => {
  expectSilentCheck(await llmf(['check', ...words, 'data.cache=off'], { folder: join(repository, folder) }));
});

it('examples/embeddings', { timeout: 60_000 }, async () => {
  const folder = join(scratch, 'embeddings');
  const example = join(repository, 'examples', 'embeddings');
  mkdirSync(folder);
  writeTinyEncoder(join(folder, 'architecture'));
  const made = ['--config', 'architecture/config.json', '--tokenizer', 'architecture'];
  succeeded(await llmf(['init', 'encoder', ...made], { folder }));
  for (const name of ['contrastive.yaml', 'data']) cpSync(join(example, name), join(folder, name), { recursive: true });
  // A token a letter: rows are longer than with the example's model.
  const own = ['model.path=encoder', 'data.maxLength=128', 'data.cache=off'];
  expectSilentCheck(await llmf(['check', 'contrastive.yaml', ...own], { folder }));
});

it('examples/positive-reviews', { timeout: 60_000 }, async () => {
  const folder = join(scratch, 'positive-reviews');
  const example = join(repository, 'examples', 'positive-reviews');
  writeFiles(folder, 1);
  for (const name of ['sft.yaml', 'ppo.yaml', 'reward.mjs', 'reviews.mjs']) {
    cpSync(join(example, name), join(folder, name));
  }
  const made = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1'];
  succeeded(await llmf(['init', 'untrained', ...made], { folder }));
  expectSilentCheck(await llmf(['check', 'sft.yaml', 'data.cache=off'], { folder }));
  const reward = ['--plugin', 'algo-ppo', 'rewards={ name: function, path: reward.mjs }'];
  expectSilentCheck(await llmf(['check', 'ppo.yaml', ...reward, 'model.path=untrained', 'data.cache=off'], { folder }));
});
