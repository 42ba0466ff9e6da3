// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hubIdOf, locateModel, type Hub } from './locate-model.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-locate-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const write = (path: string, content = '{}') => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
};

/** A hub that serves these files into a cache of the real layout, and tells what it was asked for. */
function fakeHub(cache: string, files: readonly string[]) {
  const asked: string[] = [];
  const snapshot = join(cache, 'models--owner--name', 'snapshots', 'abc');
  const hub: Hub = {
    getHFHubCachePath: () => cache,
    async *listFiles() {
      for (const path of files) yield { type: path.endsWith('/') ? 'directory' : 'file', path };
    },
    downloadFileToCacheDir: async ({ path }) => {
      asked.push(path);
      write(join(snapshot, path));
      return Promise.resolve(join(snapshot, path));
    },
  };
  return { hub, asked, snapshot, load: () => Promise.resolve(hub) };
}
const noHub = () => Promise.reject(new Error('the hub must not be asked'));

describe('locateModel', () => {
  it('takes an existing folder, relative to the given one', async () => {
    mkdirSync(join(root, 'models', 'tiny'), { recursive: true });
    expect(await locateModel('models/tiny', root, noHub)).toBe(join(root, 'models', 'tiny'));
    expect(await locateModel(join(root, 'models'), '/', noHub)).toBe(join(root, 'models'));
  });

  it.each(['./owner/name', 'name', 'a/b/c', '/owner'])('does not take %s for a hub id', async (path) => {
    const failing = locateModel(path, root, noHub);
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_FOLDER_MISSING', status: 1 });
    await expect(failing).rejects.toThrow('hub id such as owner/name');
  });

  it('downloads config, safetensors and tokenizer files of a hub id, and nothing else', async () => {
    const files = [
      'config.json',
      'model.safetensors',
      'pytorch_model.bin',
      'tokenizer.json',
      'merges.txt',
      'README.md',
    ];
    const { load, asked, snapshot } = fakeHub(join(root, 'cache-1'), [...files, 'onnx/', 'consolidated.safetensors']);
    expect(await locateModel('owner/name', root, load)).toBe(snapshot);
    expect(asked).toEqual(['config.json', 'model.safetensors', 'tokenizer.json', 'merges.txt']);
  });

  it('knows the hub id of a snapshot folder', () => {
    expect(hubIdOf('/cache/models--Qwen--Qwen2.5-0.5B/snapshots/abc')).toBe('Qwen/Qwen2.5-0.5B');
    expect(hubIdOf('/cache/models--gpt2--')).toBe(null);
    expect(hubIdOf('/home/me/model')).toBe(null);
  });

  it('asks the network for nothing when the snapshot is there whole', async () => {
    const { load, asked, snapshot } = fakeHub(join(root, 'cache-2'), []);
    write(join(root, 'cache-2', 'models--owner--name', 'refs', 'main'), 'abc');
    write(join(snapshot, 'config.json'));
    write(join(snapshot, 'model.safetensors'));
    expect(await locateModel('owner/name', root, load)).toBe(snapshot);
    expect(asked).toEqual([]);
  });

  it('downloads again where a shard is missing', async () => {
    const shard = 'model-00001-of-00002.safetensors';
    const { load, asked, snapshot } = fakeHub(join(root, 'cache-3'), ['config.json', shard]);
    write(join(root, 'cache-3', 'models--owner--name', 'refs', 'main'), 'abc');
    write(join(snapshot, 'config.json'));
    const index = { weight_map: { a: shard, b: 'model-00002-of-00002.safetensors' } };
    write(join(snapshot, 'model.safetensors.index.json'), JSON.stringify(index));
    write(join(snapshot, shard));
    await locateModel('owner/name', root, load);
    expect(asked).toEqual(['config.json', shard]);
  });

  it('says what failed: no package, no connection, no model', async () => {
    const missing = locateModel('owner/name', root, () => Promise.reject(new Error('not found')));
    await expect(missing).rejects.toThrow(/LLMF_MODELS_HUB_MISSING[^]*npm install @huggingface\/hub/);
    const { hub } = fakeHub(join(root, 'cache-4'), []);
    const offline: Hub = {
      ...hub,
      listFiles: () => {
        throw new Error('getaddrinfo ENOTFOUND');
      },
    };
    await expect(locateModel('owner/name', root, () => Promise.resolve(offline))).rejects.toThrow(
      /LLMF_MODELS_HUB_FAILED[^]*owner\/name[^]*ENOTFOUND/,
    );
    await expect(locateModel('owner/name', root, () => Promise.resolve(hub))).rejects.toThrow('no config.json');
  });
});
