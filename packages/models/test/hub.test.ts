// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeHub, gitHash, sha256, type FakeHubOptions, type TreeEntry } from './support/fake-hub.js';
import { locateModel } from '../src/files/locate-model.js';
import type { HubSettings } from '../src/hub/hub-settings.js';

const weights = Buffer.alloc(100_000, 'weights');
const files = { 'config.json': '{"a":1}', 'tokenizer.json': '{"b":2}', 'model.safetensors': weights, 'README.md': '#' };

let cache: string;
let hub: FakeHub;
const start = async (options: Partial<FakeHubOptions> = {}) => {
  hub = await FakeHub.start({ files, largeFrom: 1000, ...options });
};
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'llmf-hub-'));
});
afterEach(async () => {
  await hub.close();
  rmSync(cache, { recursive: true, force: true });
});

const locate = (path = 'owner/name', more: Partial<HubSettings> = {}) =>
  locateModel(path, cache, () => hub.settings(cache, more));
const root = () => join(cache, 'models--owner--name');
const snapshot = (commit = hub.commits.at(-1)!) => join(root(), 'snapshots', commit);
/** Everything in the cache, to see that nothing was left and nothing came elsewhere. */
const entries = () => readdirSync(cache, { recursive: true, encoding: 'utf8' });
const partials = () => entries().filter((name) => name.includes('incomplete'));

describe('a model of the hub', () => {
  it('comes into the standard cache: blobs by hash, a snapshot of links, the ref', async () => {
    await start();
    expect(await locate()).toBe(snapshot());
    expect(readdirSync(snapshot()).toSorted()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(readlinkSync(join(snapshot(), 'config.json'))).toBe(`../../blobs/${gitHash(Buffer.from('{"a":1}'))}`);
    expect(readlinkSync(join(snapshot(), 'model.safetensors'))).toBe(`../../blobs/${sha256(weights)}`);
    expect(readFileSync(join(snapshot(), 'model.safetensors'))).toEqual(weights);
    expect(readFileSync(join(root(), 'refs', 'main'), 'utf8')).toBe(hub.commits[0]);
    expect(partials()).toEqual([]);
  });

  it('is asked of the network once', async () => {
    await start();
    await locate();
    const before = hub.asked.length;
    expect(await locate()).toBe(snapshot());
    expect(hub.asked).toHaveLength(before);
    expect(await locate('owner/name', { isOffline: true })).toBe(snapshot());
  });

  it('is fetched whole from one commit, though the branch moves meanwhile', async () => {
    await start();
    const [first] = hub.commits;
    const moving = locate();
    hub.commits.push('b'.repeat(40));
    const folder = await moving;
    const asked = hub.asked.filter(({ path }) => /resolve|tree/.test(path) && path.includes('owner'));
    const commits = new Set(asked.map(({ path }) => /(?:resolve|tree)\/([^/]+)/.exec(path)![1]));
    expect(commits.size).toBe(1);
    expect(folder).toBe(snapshot([...commits][0]));
    expect(first).not.toBe(hub.commits.at(-1));
  });

  it('is of the revision that is named', async () => {
    await start();
    expect(await locate('owner/name@refs/pr/1')).toBe(snapshot());
    expect(readFileSync(join(root(), 'refs', 'refs', 'pr', '1'), 'utf8')).toBe(hub.commits[0]);
    const commit = 'c'.repeat(40);
    expect(await locate(`owner/name@${commit}`)).toBe(snapshot(commit));
    expect(hub.asked.filter(({ path }) => path.includes(`/revision/${commit}`))).toEqual([]);
  });

  it('fetches what a snapshot of another tool lacks, and what a deleted blob held', async () => {
    await start();
    await locate();
    rmSync(join(snapshot(), 'tokenizer.json'));
    rmSync(join(root(), 'blobs', sha256(weights)));
    hub.asked.length = 0;
    await locate();
    expect(hub.served).toEqual(['model.safetensors']); // the tokenizer's blob was there
    expect(readFileSync(join(snapshot(), 'tokenizer.json'), 'utf8')).toBe('{"b":2}');
  });

  it('without a tokenizer is used from the cache when the hub cannot be reached', async () => {
    await start({ files: { 'config.json': '{}', 'model.safetensors': weights } });
    await locate();
    await hub.close();
    expect(await locate()).toBe(snapshot());
  });

  it('of a mirror that tells no commits has one made of its files', async () => {
    await start({ isPlainMirror: true });
    const folder = await locate();
    expect(folder).toMatch(/snapshots\/[0-9a-f]{40}$/);
    await hub.close();
    expect(await locate()).toBe(folder);
  });
});

describe('bytes', () => {
  it.each(['config.json', 'model.safetensors'])(
    'of %s that have another hash are refused and not kept',
    async (name) => {
      const sent = name === 'config.json' ? '{"a":2}' : Buffer.alloc(100_000, 'other');
      await start({ sent: { [name]: sent } });
      const failing = locate();
      await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_HUB_CONTENT', status: 1 });
      await expect(failing).rejects.toThrow(`owner/name, ${name}`);
      expect(partials()).toEqual([]);
      expect(entries()).not.toContain(join('models--owner--name', 'refs', 'main'));
    },
  );

  it('more than were announced are refused', async () => {
    await start({ sent: { 'model.safetensors': Buffer.alloc(100_001) } });
    await expect(locate()).rejects.toThrow(/LLMF_MODELS_HUB_CONTENT[^]*more than 100000 bytes/);
  });

  it('that are cut again and again are gone on with', async () => {
    await start({ cutAfter: 20_000 });
    expect(readFileSync(join(await locate(), 'model.safetensors'))).toEqual(weights);
    const ranges = hub.asked.filter(({ of }) => of === 'store').map(({ range }) => range);
    expect(ranges.length).toBeGreaterThanOrEqual(5);
    expect(ranges.slice(1).every((range) => /^bytes=\d+-$/.test(range ?? ''))).toBe(true);
  });

  it('of an answer that ends early without a word of its length are gone on with', async () => {
    const short = (response: ServerResponse) => {
      hub.options = { ...hub.options, answers: {} };
      response.writeHead(200).end(weights.subarray(0, 30_000));
    };
    await start({ answers: { '/model.safetensors': short } });
    expect(readFileSync(join(await locate(), 'model.safetensors'))).toEqual(weights);
    expect(hub.asked.filter(({ of }) => of === 'store').map(({ range }) => range)).toEqual([undefined, 'bytes=30000-']);
  });

  it('that arrived before the process ended are not fetched again', async () => {
    await start();
    mkdirSync(join(root(), 'blobs'), { recursive: true });
    writeFileSync(join(root(), 'blobs', `${sha256(weights)}.llmf-incomplete`), weights.subarray(0, 60_000));
    expect(readFileSync(join(await locate(), 'model.safetensors'))).toEqual(weights);
    expect(hub.asked.filter(({ of }) => of === 'store').map(({ range }) => range)).toEqual(['bytes=60000-']);
  });

  it('that were kept and are damaged are fetched again', async () => {
    await start();
    mkdirSync(join(root(), 'blobs'), { recursive: true });
    writeFileSync(join(root(), 'blobs', `${sha256(weights)}.llmf-incomplete`), Buffer.alloc(60_000));
    expect(readFileSync(join(await locate(), 'model.safetensors'))).toEqual(weights);
  });

  it('never end: the connection that brings nothing is given up', async () => {
    await start({ answers: { '/model.safetensors': (response) => void response.writeHead(200).write('x') } });
    await expect(locate('owner/name', { idleMs: 30 })).rejects.toThrow(/HUB_FAILED[^]*nothing came from 127/);
  });

  it('of a hub that announces no hashes at all are checked by size and by the look of weights, which is said', async () => {
    await startWithoutHashes(plausible());
    const settings = hub.settings(cache);
    await locateModel('owner/name', cache, () => settings);
    expect(settings.said.join('')).toContain('only sizes and the look of weights were checked');
    expect(partials()).toEqual([]);
  });

  it.each([
    [
      'a block of one byte',
      (bytes: Buffer) => bytes.fill(0x41, 8000, 12_000),
      /v with 2048 times the byte 0x41 in a row/,
    ],
    ['text', (bytes: Buffer) => bytes.write('<html>error 502 bad gateway</html>', 8000), /v with a weight of [\d.e+]+/],
    ['noise', (bytes: Buffer) => noise.copy(bytes, 8000), /v with a weight of (NaN|-?[\d.e+]+)/],
    ['another file', (bytes: Buffer) => bytes.fill('{"a":1}'), /what is no safetensors file/],
  ] as const)(
    'of such a hub with %s in place of weights are refused, and none of them stays',
    async (_, damage, got) => {
      const bytes = plausible();
      damage(bytes);
      await startWithoutHashes(bytes);
      const failing = locate();
      await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_HUB_CONTENT' });
      await expect(failing).rejects.toThrow(got);
      expect(entries().filter((name) => /blobs\/./.test(name))).toEqual([]);
    },
  );

  it('of such a hub may be ones and zeros', async () => {
    const bytes = plausible();
    new Float32Array(3000).fill(1).forEach((one, at) => bytes.writeFloatLE(one, 1000 + 4 * at));
    bytes.fill(0, 13_000, 20_000);
    await startWithoutHashes(bytes);
    expect(await locate()).toBe(snapshot());
  });
});

/** Announces hashes of other things than its files' contents. */
const startWithoutHashes = (bytes: Buffer) =>
  start({
    files: { 'config.json': '{}', 'model.safetensors': bytes },
    largeFrom: Infinity,
    tree: (entry: TreeEntry) => ({ ...entry, oid: gitHash(Buffer.from(entry.path)) }),
  });

const noise = Buffer.from(Array.from({ length: 4000 }, (_, at) => Math.imul(at + 1, 0x9e3779b1) >>> 24));

/** A safetensors file of 10,000 small weights, and the constant that GPT-J's files keep beside them. */
function plausible(): Buffer {
  const values = Float32Array.from({ length: 10_001 }, (_, at) => (at < 10_000 ? Math.sin(at) / 10 : -1e9));
  const tensors = {
    v: { dtype: 'F32', shape: [10_000], data_offsets: [0, 40_000] },
    masked_bias: { dtype: 'F32', shape: [], data_offsets: [40_000, 40_004] },
  };
  const header = JSON.stringify(tensors).padEnd(160);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(160n);
  return Buffer.concat([length, Buffer.from(header), Buffer.from(values.buffer)]);
}

describe('two at once', () => {
  it('fetch each file once, and say whom they wait for', async () => {
    await start({ pieceMs: 3 });
    const first = hub.settings(cache);
    const second = { ...hub.settings(cache), cache: `${cache}/` }; // another key, as another process has
    const folders = await Promise.all([first, second].map((each) => locateModel('owner/name', cache, () => each)));
    expect(new Set(folders).size).toBe(1);
    expect(hub.served.filter((name) => name === 'model.safetensors')).toHaveLength(1);
    expect([...first.said, ...second.said].join('')).toMatch(/waiting for process \d+, which is fetching it/);
    expect(readFileSync(join(folders[0]!, 'model.safetensors'))).toEqual(weights);
  });
});

describe('names from the network', () => {
  const refused = async (what: string) => {
    const failing = locate();
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_HUB_NAME' });
    await expect(failing).rejects.toThrow(what);
    expect(entries()).toEqual([]);
  };

  it.each([
    '../../escaped.json',
    '/etc/escaped.json',
    'C:\\escaped.json',
    '..\\escaped.json',
    'model/../../x.safetensors',
    'sub/a.json',
    'nul.json',
    '\u0000.json',
    'a\n.json',
    '.json/..txt',
  ])('file name %j is refused', async (path) => {
    await start({ files: { ...files, [path]: '{}' } });
    await refused('file name that could leave');
  });

  it.each(['../../x', 'a/b', '', 'A'.repeat(40), '..'.repeat(20)])('hash %j is refused', async (oid) => {
    await start({ tree: (entry) => ({ ...entry, oid, lfs: undefined }) });
    await refused('hash that could leave');
  });

  it.each(['../../../x', 'main', 'a'.repeat(39)])('commit %j is refused', async (sha) => {
    const answer = (response: ServerResponse) => void response.end(JSON.stringify({ sha }));
    await start({ answers: { '/api/models/owner/name/revision': answer } });
    await refused('commit that could leave');
  });

  it('names that are not read do not matter', async () => {
    await start({ files: { ...files, '../../picture.png': 'x', 'onnx/model.onnx': 'x' } });
    expect(await locate()).toBe(snapshot());
  });
});

describe('ids', () => {
  it.each([
    'owner/...',
    'owner/.name',
    'owner/na--me',
    'own..er/name',
    'owner/name@..',
    'owner/name@a/../b',
    'owner/name@/a',
    'owner/name@a\\b',
    'owner/name@',
    'owner/na me',
  ])('%s is refused', async (id) => {
    await start();
    await expect(locate(id)).rejects.toMatchObject({ code: 'LLMF_MODELS_HUB_ID' });
    expect(hub.asked).toEqual([]);
  });

  it.each(['./owner/name', 'name', 'a/b/c', '/owner', '..\\owner/name'])(
    '%s is a folder that is missing',
    async (path) => {
      await start();
      await expect(locate(path)).rejects.toMatchObject({ code: 'LLMF_MODELS_FOLDER_MISSING' });
    },
  );
});

describe('the token', () => {
  const token = 'hf_secret';

  it('goes to the hub and to no other place', async () => {
    await start({ token });
    await locate('owner/name', { token });
    const sentTo = new Set(hub.asked.filter(({ authorization }) => authorization !== undefined).map(({ of }) => of));
    expect([...sentTo]).toEqual(['hub']);
    expect(hub.asked.some(({ of }) => of === 'store')).toBe(true);
  });

  it('is asked for where a model is gated, with the page', async () => {
    await start({ token });
    const failing = locate();
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_HUB_REFUSED' });
    await expect(failing).rejects.toThrow(`accept the conditions on ${hub.url}/owner/name, and set HF_TOKEN`);
  });

  it('is in no message, though the hub repeats it', async () => {
    const answer = (response: ServerResponse) =>
      void response
        .writeHead(403, {
          'x-error-message': `token ${token} is wrong, see https://a:${token}@b.test or https://c:sesame@d.test`,
        })
        .end();
    await start({ answers: { '/api': answer } });
    const settings = hub.settings(cache, { token });
    const error = await locateModel('owner/name', cache, () => settings).catch((each: Error) => each);
    expect((error as Error).message).toContain('is wrong');
    expect((error as Error).message).not.toContain('sesame');
    expect(`${(error as Error).message} ${(error as Error).stack} ${settings.said.join('')}`).not.toContain(token);
  });
});

describe('a hub that fails', () => {
  const replying = (status: number, headers: Record<string, string> = {}, body = '') => ({
    '/api': (response: ServerResponse) => void response.writeHead(status, headers).end(body),
  });

  it.each([
    ['redirects to no URL', replying(302, { location: 'http://[' }), 'HUB_FAILED', 'redirects to no URL'],
    ['redirects nowhere', replying(302), 'HUB_FAILED', 'redirects to no URL'],
    ['redirects to a file', replying(302, { location: 'file:///etc/passwd' }), 'HUB_FAILED', 'redirects to file:'],
    ['redirects for ever', replying(302, { location: '/api/x' }), 'HUB_FAILED', 'more than 5 redirects'],
    ['has no such model', replying(404), 'HUB_UNKNOWN', 'check the name'],
    ['is out of order', replying(503), 'HUB_FAILED', 'status 503'],
    ['does not like the request', replying(400), 'HUB_FAILED', 'status 400'],
    ['answers with a page', replying(200, {}, '<html>'), 'HUB_FAILED', 'is no JSON'],
    ['answers with something else', replying(200, {}, '{}'), 'HUB_ANSWER', 'no "sha"'],
    ['answers with null', replying(200, {}, 'null'), 'HUB_ANSWER', 'no "sha"'],
  ])('%s', async (_name, answers, code, text) => {
    await start({ answers });
    const failing = locate();
    await expect(failing).rejects.toMatchObject({ code: `LLMF_MODELS_${code}`, status: 1 });
    await expect(failing).rejects.toThrow(text);
  });

  it('lists no config.json, or a size that is none', async () => {
    await start({ files: { 'model.safetensors': weights } });
    await expect(locate()).rejects.toThrow(/LLMF_MODELS_HUB_ANSWER[^]*no config.json/);
    hub.options = { ...hub.options, tree: (entry) => ({ ...entry, size: -1, lfs: undefined }) };
    await expect(locate()).rejects.toThrow(/LLMF_MODELS_HUB_ANSWER[^]*a size of -1/);
  });

  it('cannot be reached', async () => {
    await start();
    await hub.close();
    await expect(locate()).rejects.toThrow(/LLMF_MODELS_HUB_FAILED[^]*owner\/name[^]*ECONNREFUSED/);
  });

  it('must not be asked: HF_HUB_OFFLINE', async () => {
    await start();
    await expect(locate('owner/name', { isOffline: true })).rejects.toMatchObject({ code: 'LLMF_MODELS_HUB_OFFLINE' });
    expect(hub.asked).toEqual([]);
  });
});
