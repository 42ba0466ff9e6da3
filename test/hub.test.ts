// SPDX-License-Identifier: Apache-2.0
// The real command and a model of a hub on loopback.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FakeHub } from '../packages/models/test/support/fake-hub.js';
import { llmf } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

const token = 'hf_token_of_the_test';
let copy: Awaited<ReturnType<typeof firstRunCopy>>;
let hub: FakeHub;
beforeAll(async () => {
  copy = await firstRunCopy();
  const model = join(copy.folder, 'model');
  const files = Object.fromEntries(readdirSync(model).map((name) => [name, readFileSync(join(model, name))]));
  hub = await FakeHub.start({ files, largeFrom: 100_000, token, pieceMs: 2 });
}, 120_000);
afterAll(async () => {
  await hub.close();
  await copy.remove();
});

const generate = (cache: string, more: Record<string, string> = {}) =>
  llmf(['generate', '--model', 'owner/name', '--prompt', 'x', '--greedy', '--max-new-tokens', '2'], {
    folder: copy.folder,
    environment: { HF_ENDPOINT: hub.url, HF_HUB_CACHE: join(copy.folder, cache), HF_TOKEN: token, ...more },
  });

it('two commands fetch a gated model at once; a third one needs no network; the token is in no output', async () => {
  const [first, second] = await Promise.all([generate('cache'), generate('cache')]);
  const third = await generate('cache', { HF_HUB_OFFLINE: '1', HF_TOKEN: '' });
  expect([first, second, third].map(({ status, err }) => (status === 0 ? '' : err))).toEqual(['', '', '']);
  expect(first.err).toContain('fetching owner/name (');
  expect(new Set([first, second, third].map(({ out }) => out)).size).toBe(1);
  expect(first.out.split('\n')).toHaveLength(2);
  expect(new Set(hub.served).size).toBe(hub.served.length);
  expect([first, second, third].map(({ out, err }) => out + err).join('')).not.toContain(token);
}, 60_000);

it('without the token it is told how to get in, with status 1', async () => {
  const { status, err, out } = await generate('other', { HF_TOKEN: 'hf_wrong' });
  expect({ status, out }).toEqual({ status: 1, out: '' });
  expect(err).toMatch(/^LLMF_MODELS_HUB_REFUSED: /);
  expect(err).not.toContain('hf_wrong');
});
