// SPDX-License-Identifier: Apache-2.0
// The checks before the first step (docs/checks.md) have nothing to say of what we show.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { llmf, repository, succeeded } from './support/command.js';

/** Lines of `llmf check` above the lengths that state a fact; whatever else stands there is something to say. */
const facts = [
  /^[\w.]+: /,
  /^batch \d+ × \d+/,
  /^computes on /,
  /^[\d,]+ weights, [\d,.]+ \w+ as this run keeps them/,
  /^training [\d,]+ of [\d,]+ weights/,
  /: their chosen answers are learned\.$/,
  /^$/,
];

const recipes = readdirSync(join(repository, 'recipes')).filter((name) => name.endsWith('.yaml'));
const shown: readonly (readonly [folder: string, ...words: string[]])[] = [
  // Where a model is made first, the one that lies there.
  ...recipes.map((name) => ['recipes', name, 'model.path=../examples/first-run/model'] as const),
  ['examples/first-run', 'sft.yaml', 'model.path=model'],
  ['examples/first-run', '--plugin', 'loss-simpo'],
  ['examples/write-a-loss'],
];

it('covers every recipe', () => expect(recipes.length).toBeGreaterThanOrEqual(5));

it.each(shown)('%s %s %s', { timeout: 60_000 }, async (folder, ...words) => {
  const done = await llmf(['check', ...words, 'data.cache=off'], { folder: join(repository, folder) });
  const out = succeeded(done);
  const [head = '', ...splits] = out.split(/^(?:train|eval)$/m);
  expect(head.split('\n').filter((line) => facts.every((fact) => !fact.test(line)))).toEqual([]);
  expect(done.err).toBe('');
  expect(splits.length).toBeGreaterThan(0);
  for (const split of splits) expect(split).toContain('\ndropped 0, truncated 0\n');
});
