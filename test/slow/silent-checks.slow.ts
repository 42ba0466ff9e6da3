// SPDX-License-Identifier: Apache-2.0
// The checks while it trains and at the end (docs/checks.md) have nothing to say of what no other test trains to its end.
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { llmf, repository } from '../support/command.js';
import { withoutWarning } from '../support/silent.js';
import { writeTinyEncoder } from '../support/tiny-encoder.js';

const scratch = mkdtempSync(join(tmpdir(), 'llmf-silent-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const example = (name: string) => join(repository, 'examples', name);

it('examples/embeddings', { timeout: 300_000 }, async () => {
  const folder = join(scratch, 'embeddings');
  cpSync(example('embeddings'), folder, { recursive: true });
  writeTinyEncoder(join(folder, 'architecture'));
  const command = async (...argv: string[]) => withoutWarning(await llmf(argv, { folder }));
  await command('init', 'encoder', '--config', 'architecture/config.json', '--tokenizer', 'architecture');
  await command('train', 'contrastive.yaml', 'model.path=encoder', 'data.maxLength=128');
  expect(readdirSync(join(folder, 'runs', 'encoder'))).toContain('model.safetensors');
});

describe('recipes', () => {
  const recipes = readdirSync(join(repository, 'recipes')).filter((name) => name.endsWith('.yaml'));
  it.each(recipes)('%s', { timeout: 300_000 }, async (recipe) => {
    const model = `model.path=${join(example('first-run'), 'model')}`;
    const output = `output=${join(scratch, recipe)}`;
    const words = [join(repository, 'recipes', recipe), model, output, 'train.maxSteps=4', 'data.cache=off'];
    withoutWarning(await llmf(['train', ...words], { folder: join(repository, 'recipes') }));
  });
});

it('examples/first-run', { timeout: 300_000 }, async () => {
  const folder = join(scratch, 'first-run');
  cpSync(example('first-run'), folder, { recursive: true });
  withoutWarning(await llmf(['run', 'pipeline.yaml'], { folder }));
});

it('examples/write-a-loss', { timeout: 300_000 }, async () => {
  const output = `output=${join(scratch, 'write-a-loss')}`;
  withoutWarning(await llmf(['train', output, 'data.cache=off'], { folder: example('write-a-loss') }));
});
