// SPDX-License-Identifier: Apache-2.0
import { access, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { modelErrors } from '../errors.js';

/** The part of @huggingface/hub that is used here. */
export interface Hub {
  listFiles(request: {
    repo: string;
    recursive: boolean;
    accessToken?: string;
  }): AsyncIterable<{ type: string; path: string }>;
  downloadFileToCacheDir(request: { repo: string; path: string; accessToken?: string }): Promise<string>;
  getHFHubCachePath(): string;
}

export const loadHub = async (): Promise<Hub> => (await import('@huggingface/hub')) as unknown as Hub;

const hubId = /^[\w.-]+\/[\w.-]+$/;

/**
 * The folder of `path`: an existing folder (relative paths start from `from`), else a hub id, looked for in the hub's
 * cache first and downloaded when it is not there.
 * @throws LLMF_MODELS_FOLDER_MISSING, LLMF_MODELS_HUB_MISSING, LLMF_MODELS_HUB_FAILED
 */
export async function locateModel(path: string, from: string, load: () => Promise<Hub> = loadHub): Promise<string> {
  const folder = resolve(from, path);
  if (await isFolder(folder)) return folder;
  if (!hubId.test(path) || path.startsWith('.')) throw modelErrors.folderMissing({ path: folder, from });
  const hub = await load().catch((error: Error) => {
    throw modelErrors.hubMissing({ id: path }, { cause: error });
  });
  return (await cachedSnapshot(hub.getHFHubCachePath(), path)) ?? (await download(hub, path));
}

/** The hub id of a snapshot folder in the hub's cache; null for any other folder. */
export const hubIdOf = (folder: string): string | null =>
  /[\\/]models--([\w.-]+?)--([\w.-]+)[\\/]snapshots[\\/][^\\/]+$/.exec(folder)?.slice(1).join('/') ?? null;

/** A snapshot that was downloaded whole earlier: cache/models--owner--name/snapshots/COMMIT, current commit in refs/main. */
async function cachedSnapshot(cache: string, id: string): Promise<string | null> {
  const root = join(cache, `models--${id.replace('/', '--')}`);
  const commit = await readFile(join(root, 'refs', 'main'), 'utf8').catch(() => null);
  if (commit === null) return null;
  const snapshot = join(root, 'snapshots', commit.trim());
  return (await isWhole(snapshot)) ? snapshot : null;
}

async function download(hub: Hub, id: string): Promise<string> {
  const token = process.env['HF_TOKEN'];
  const access = token === undefined ? {} : { accessToken: token };
  try {
    let config: string | null = null;
    for await (const { type, path } of hub.listFiles({ repo: id, recursive: false, ...access })) {
      if (type !== 'file' || !isWanted(path)) continue;
      const file = await hub.downloadFileToCacheDir({ repo: id, path, ...access });
      if (path === 'config.json') config = file;
    }
    if (config === null) throw new Error('the repository has no config.json');
    return dirname(config);
  } catch (error) {
    throw modelErrors.hubFailed({ id, reason: (error as Error).message }, { cause: error });
  }
}

/** Weights as safetensors, and small text files. */
const isWanted = (path: string) => /^model.*\.safetensors$|\.(json|txt|jinja|model)$/.test(path);

async function isWhole(snapshot: string): Promise<boolean> {
  const has = (name: string) =>
    access(join(snapshot, name)).then(
      () => true,
      () => false,
    );
  if (!(await has('config.json'))) return false;
  if (await has('model.safetensors')) return true;
  const index = await readFile(join(snapshot, 'model.safetensors.index.json'), 'utf8').catch(() => null);
  if (index === null) return false;
  const { weight_map } = JSON.parse(index) as { weight_map: Record<string, string> };
  for (const shard of new Set(Object.values(weight_map))) if (!(await has(shard))) return false;
  return true;
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
