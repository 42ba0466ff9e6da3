// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkModelFolder, ifThere } from '@llmf/core';
import { modelErrors } from '../errors.js';
import { ggufFolder } from '../gguf/gguf-folder.js';
import { hubSnapshot } from '../hub/download.js';
import { parseHubId } from '../hub/hub-id.js';
import { hubSettings, type HubSettings } from '../hub/hub-settings.js';

/** Several parts of a run ask for the same model at once. */
const underWay = new Map<string, Promise<string>>();

/**
 * The folder of `path`: an existing folder (relative paths start from `from`), that of a GGUF file, else a hub id with or without
 * `@revision`, looked for in the hub's cache first and fetched when it is not there.
 * @throws LLMF_MODELS_FOLDER_MISSING, LLMF_MODELS_GGUF_…, LLMF_MODELS_HUB_…, LLMF_CORE_LINK_OUTSIDE
 */
export async function locateModel(
  path: string,
  from: string,
  settings: () => HubSettings = hubSettings,
): Promise<string> {
  const folder = resolve(from, path);
  const found = await kindAt(folder, from);
  if (found === 'folder') return await checked(folder);
  if (found === 'file') return await ggufFolder(folder);
  if (found === 'other') throw modelErrors.folderMissing({ path: folder, from, got: 'a device, a pipe or a socket' });
  const of = parseHubId(path);
  if (of === null) {
    if (looksLikeHubId.test(path)) throw modelErrors.hubId({ path });
    throw modelErrors.folderMissing({ path: folder, from });
  }
  const hub = settings();
  const key = `${hub.cache}\n${path}`;
  const snapshot = underWay.get(key) ?? hubSnapshot(hub, of).finally(() => underWay.delete(key));
  underWay.set(key, snapshot);
  return await checked(await snapshot);
}

/** @throws LLMF_CORE_LINK_OUTSIDE */
async function checked(folder: string): Promise<string> {
  await checkModelFolder(folder);
  return folder;
}

const looksLikeHubId = /^[^./\\@][^/\\@]*\/[^/\\@]+(?:@.*)?$/s;

/** The hub id of a snapshot folder in the hub's cache; null for any other folder. */
export const hubIdOf = (folder: string): string | null =>
  /[\\/]models--([\w.-]+?)--([\w.-]+)[\\/]snapshots[\\/][^\\/]+$/.exec(folder)?.slice(1).join('/') ?? null;

async function kindAt(path: string, from: string): Promise<'folder' | 'file' | 'other' | null> {
  const found = await ifThere(stat(path)).catch((error: Error) => {
    throw modelErrors.folderMissing({ path, from, got: error.message }, { cause: error });
  });
  if (found === null) return null;
  return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : 'other';
}
