// SPDX-License-Identifier: Apache-2.0
// The cache of huggingface_hub, so that both share it: models--owner--name/{blobs/HASH, refs/REVISION,
// snapshots/COMMIT/FILE → ../../blobs/HASH}.
import { isThere, makeFolder, readIfThere, removeLeftoversOnce, temporaryName, writeFileAtomic } from '@llmf/core';
import { copyFile, readlink, rename, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { cacheFolderOf, isCommit, isPlainName, type HubId } from './hub-id.js';

/** Folder of a model in the cache. */
export const modelRoot = (cache: string, of: HubId): string => join(cache, cacheFolderOf(of));

/** The snapshot folder of a revision; null when this cache has not seen it. */
export async function cachedSnapshot(root: string, { revision }: HubId): Promise<string | null> {
  if (isCommit(revision)) return join(root, 'snapshots', revision);
  const commit = ((await readIfThere(join(root, 'refs', ...revision.split('/')))) ?? '').trim();
  return isCommit(commit) || isPlainName(commit) ? join(root, 'snapshots', commit) : null;
}

/** What a snapshot lacks to be loaded, and to be all that training asks for. */
export interface Lacking {
  /** A file without which there is no model; null: it can be loaded. */
  readonly needed: string | null;
  /** A file that models of its kind have. */
  readonly usual: string | null;
}

export async function lackingIn(snapshot: string): Promise<Lacking> {
  const lacks = async (names: readonly string[]) => {
    for (const name of names) if (!(await isThere(join(snapshot, name)))) return name;
    return null;
  };
  const weights = (await lacks(['model.safetensors'])) === null ? [] : await shardsOf(snapshot);
  const usual = ['tokenizer.json', ...((await seesPictures(snapshot)) ? ['preprocessor_config.json'] : [])];
  return { needed: await lacks(['config.json', ...weights]), usual: await lacks(usual) };
}

const seesPictures = async (snapshot: string): Promise<boolean> =>
  /"vision_config"/.test((await readIfThere(join(snapshot, 'config.json'))) ?? '');

/** The shards that an index names; the one file where there is no index that can be read. */
async function shardsOf(snapshot: string): Promise<string[]> {
  const text = await readIfThere(join(snapshot, 'model.safetensors.index.json'));
  try {
    const { weight_map } = JSON.parse(text ?? '') as { weight_map: Record<string, string> };
    const shards = [...new Set(Object.values(weight_map))];
    return shards.length > 0 && shards.every(isPlainName) ? shards : ['model.safetensors'];
  } catch {
    return ['model.safetensors'];
  }
}

/** Makes snapshots/COMMIT/NAME refer to a blob: a relative link, or a copy where the system makes no links. */
export async function linkBlob(snapshot: string, name: string, blob: string): Promise<void> {
  const file = join(snapshot, name);
  const target = relative(snapshot, blob);
  makeFolder(snapshot);
  await removeLeftoversOnce(snapshot);
  if ((await readlink(file).catch(() => null)) === target) return;
  const temporary = temporaryName(file);
  try {
    await symlink(target, temporary).catch(() => copyFile(blob, temporary));
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Remembers which commit a branch or tag was at; last, when all of it is there. */
export async function writeRef(root: string, { revision }: HubId, commit: string): Promise<void> {
  if (isCommit(revision)) return;
  const file = join(root, 'refs', ...revision.split('/'));
  makeFolder(dirname(file));
  await writeFileAtomic(file, commit);
}
