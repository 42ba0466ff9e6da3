// SPDX-License-Identifier: Apache-2.0
// The real command and a model of a hub on loopback.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { FakeHub, type FakeHubOptions } from '../packages/models/test/support/fake-hub.js';
import { llmf } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';

const token = 'hf_token_of_the_test';
let copy: Awaited<ReturnType<typeof firstRunCopy>>;
let hub: FakeHub;
let usual: FakeHubOptions;
beforeAll(async () => {
  copy = await firstRunCopy();
  const model = join(copy.folder, 'model');
  const files = Object.fromEntries(readdirSync(model).map((name) => [name, readFileSync(join(model, name))]));
  usual = { files, largeFrom: 100_000, token, pieceMs: 2 };
  hub = await FakeHub.start(usual);
}, 120_000);
afterEach(() => {
  hub.options = usual;
});
afterAll(async () => {
  await hub.close();
  await copy.remove();
});

const environment = (cache: string) => ({
  HF_ENDPOINT: hub.url,
  HF_HUB_CACHE: join(copy.folder, cache),
  HF_TOKEN: token,
});
const generate = (cache: string, more: Record<string, string> = {}, model = 'owner/name') =>
  llmf(['generate', '--model', model, '--prompt', 'x', '--greedy', '--max-new-tokens', '2'], {
    folder: copy.folder,
    environment: { ...environment(cache), ...more },
  });

const filesBelow = (folder: string): string[] =>
  (existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [])
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile());

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

it('other bytes than were announced are refused, and none of them stays', async () => {
  const bytes = Buffer.from(usual.files['model.safetensors']!);
  bytes.fill(0x41, bytes.length - 50_000);
  hub.options = { ...usual, sent: { 'model.safetensors': bytes } };
  const { status, err, out } = await generate('wrong');
  expect({ status, out }).toEqual({ status: 1, out: '' });
  expect(err).toMatch(/LLMF_MODELS_HUB_CONTENT: a file came with other bytes[^]*owner\/name, model\.safetensors/);
  const kept = filesBelow(join(copy.folder, 'wrong')).filter((file) => readFileSync(file).includes('A'.repeat(1000)));
  expect(kept).toEqual([]);
}, 60_000);

it('bodies that are cut are gone on with, from where they were cut', async () => {
  hub.options = { ...usual, cutAfter: 100_000 };
  const { status, err } = await generate('cut');
  expect([status, status === 0 ? '' : err]).toEqual([0, '']);
  expect(hub.asked.some(({ of, range }) => of === 'store' && range !== undefined)).toBe(true);
}, 60_000);

it('a branch that moves between two questions gives the files of one commit', async () => {
  const asked = hub.asked.length;
  hub.commits.push('b'.repeat(40));
  expect((await generate('moved')).status).toBe(0);
  const paths = hub.asked.slice(asked).flatMap(({ path }) => /\/(?:resolve|tree)\/([^/?]+)/.exec(path)?.[1] ?? []);
  expect(new Set(paths)).toEqual(new Set(['b'.repeat(40)]));
}, 60_000);

it('a revision is asked for by its name, found again offline, and is no other one', async () => {
  const first = await generate('revision', {}, 'owner/name@v1.0');
  const offline = await generate('revision', { HF_HUB_OFFLINE: '1' }, 'owner/name@v1.0');
  expect([first.status, offline.status, offline.out]).toEqual([0, 0, first.out]);
  expect(hub.asked.some(({ path }) => path.endsWith('/revision/v1.0'))).toBe(true);
  const main = await generate('revision', { HF_HUB_OFFLINE: '1' });
  expect([main.status, main.err.split(':')[0]]).toEqual([1, 'LLMF_MODELS_HUB_OFFLINE']);
}, 60_000);

it('a run on a gated model writes the token nowhere, and names the model by its id', async () => {
  const words = ['model.path=owner/name', 'adapter={ name: lora, rank: 2 }', 'data.eval=null', 'train.maxSteps=1'];
  const argv = ['train', '--plugin', 'loss-simpo', ...words, 'train.batchSize=2', 'output=runs/gated', '--debug'];
  const { status, err, out } = await llmf(argv, { folder: copy.folder, environment: environment('trained') });
  expect([status, status === 0 ? '' : err]).toEqual([0, '']);
  const written = [...filesBelow(join(copy.folder, 'runs/gated')), ...filesBelow(join(copy.folder, '.llmf-cache'))];
  expect(written.length).toBeGreaterThan(5);
  expect(written.filter((file) => readFileSync(file).includes(token))).toEqual([]);
  expect(out + err).not.toContain(token);
  const config = readFileSync(join(copy.folder, 'runs/gated/adapter_config.json'), 'utf8');
  expect(JSON.parse(config)).toMatchObject({ base_model_name_or_path: 'owner/name' });
}, 120_000);
