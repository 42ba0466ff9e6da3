// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { isRefused, isThereSync, makeFolder, writeFileAtomic } from '@llmf/core';
import { visionErrors } from '../errors.js';
import { fileSource, memorySource, type ByteSource } from '../header/byte-source.js';
import { fetchRemote, type RemoteLimits } from './fetch-remote.js';
import type { MediaReference } from './media-reference.js';

export interface MediaAccess {
  /** Relative paths start here; no path may lead out of it unless `outsideFolder`. */
  readonly folder: string;
  readonly outsideFolder: boolean;
  /** null: nothing is fetched. */
  readonly remote: RemoteLimits | null;
  /** Fetched files are kept here, named by the hash of their URL; null: fetched again each time. */
  readonly cacheFolder: string | null;
}

/**
 * Opens the bytes of a picture; the caller closes them.
 * @throws LLMF_VISION_FILE_MISSING, _FILE_UNREADABLE, _OUTSIDE_FOLDER, _URL_NOT_ALLOWED, _PRIVATE_ADDRESS, _FETCH_FAILED
 */
export async function openMedia(reference: MediaReference, access: MediaAccess): Promise<ByteSource> {
  if (reference.from === 'bytes') return memorySource(reference.bytes, reference.name);
  if (reference.from === 'path') return fileSource(insideFolder(reference.path, access));
  return openRemote(reference.url, access);
}

/** The absolute path, links followed. @throws LLMF_VISION_OUTSIDE_FOLDER, LLMF_VISION_FILE_MISSING, LLMF_VISION_FILE_UNREADABLE */
export function insideFolder(path: string, { folder, outsideFolder }: MediaAccess): string {
  const absolute = resolve(folder, path);
  if (outsideFolder) return absolute;
  if (!contains(resolve(folder), absolute)) throw visionErrors.outsideFolder({ path, folder });
  if (path.includes('\0'))
    throw visionErrors.fileUnreadable({ path: JSON.stringify(path), reason: 'it is not a path' });
  let real: string;
  try {
    real = realpathSync.native(absolute);
  } catch (error) {
    if (!isRefused(error)) throw visionErrors.fileMissing({ path: absolute });
    throw visionErrors.fileUnreadable({ path: absolute, reason: (error as Error).message }, { cause: error });
  }
  if (!contains(realpathSync.native(folder), real)) throw visionErrors.outsideFolder({ path, folder });
  return real;
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith('../') && !way.startsWith('..\\'));
}

async function openRemote(url: string, { remote, cacheFolder }: MediaAccess): Promise<ByteSource> {
  if (remote === null) throw visionErrors.urlNotAllowed({ url });
  if (cacheFolder === null) return memorySource(await fetchRemote(url, remote), url);
  const file = join(cacheFolder, createHash('sha256').update(url).digest('hex'));
  if (!isThereSync(file)) {
    const bytes = await fetchRemote(url, remote);
    makeFolder(cacheFolder);
    await writeFileAtomic(file, bytes);
  }
  return fileSource(file);
}
