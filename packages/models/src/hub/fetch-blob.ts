// SPDX-License-Identifier: Apache-2.0
/**
 * One file of the hub, fetched into the cache's `blobs`: under a name of its own until size and hash are those that were
 * announced, then renamed. What has arrived stays when the connection or the process ends, and is gone on with.
 */
import { ifThere, makeFolder, holderText, removeLeftoversOnce, temporaryName, waitForLock } from '@llmf/core';
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { modelErrors } from '../errors.js';
import { hubIdText, type HubId } from './hub-id.js';
import type { HubSettings } from './hub-settings.js';
import type { HubFile, Listing } from './listing.js';
import type { Progress } from './progress.js';
import { get, Interruption, repeated, type Answer } from './request.js';

export interface BlobRequest {
  readonly hub: HubSettings;
  readonly of: HubId;
  readonly listing: Listing;
  readonly file: HubFile;
  /** blobs/HASH of the model's folder in the cache. */
  readonly blob: string;
  readonly lock: string;
  readonly progress: Progress;
}

/**
 * `there`: the cache had it. `same`: it came with the hash that was announced. `other`: with another one; its bytes wait
 * at `unverified` for the caller's judgement.
 */
export type Fetched =
  | { readonly is: 'there' | 'same' }
  | { readonly is: 'other'; readonly unverified: string; readonly hash: string };

/** @throws LLMF_MODELS_HUB_…; the file system's own errors */
export async function fetchBlob(request: BlobRequest): Promise<Fetched> {
  const { blob, lock, file, progress } = request;
  if (await isWhole(blob, file.bytes)) return alreadyThere(request);
  makeFolder(dirname(blob));
  makeFolder(dirname(lock));
  await removeLeftoversOnce(dirname(blob));
  const held = await waitForLock(lock, {
    onWait: (holder) => progress.say(`${file.name}: waiting for ${holderText(holder)}, which is fetching it`),
  });
  try {
    if (await isWhole(blob, file.bytes)) return alreadyThere(request);
    const partial = `${blob}.llmf-incomplete`;
    const hash = await completed(request, partial);
    if (hash !== file.hash) return await setAside(partial, hash);
    await rename(partial, blob);
    return { is: 'same' };
  } finally {
    held.release();
  }
}

function alreadyThere({ file, progress }: BlobRequest): Fetched {
  progress.add(file.bytes);
  return { is: 'there' };
}

async function setAside(partial: string, hash: string): Promise<Fetched> {
  const unverified = temporaryName(partial);
  await rename(partial, unverified);
  return { is: 'other', unverified, hash };
}

async function isWhole(blob: string, bytes: number): Promise<boolean> {
  const found = await ifThere(stat(blob));
  return found !== null && found.isFile() && found.size === bytes;
}

/** Fetches until all bytes are there; returns their hash. */
async function completed(request: BlobRequest, partial: string): Promise<string> {
  const { hub, of, file, progress } = request;
  let counted = 0;
  let furthest = 0;
  return await repeated(hub, of, async () => {
    const handle = await open(partial, 'a+');
    const hash = contentHash(file);
    const count = (bytes: number) => {
      progress.add(bytes);
      counted += bytes;
    };
    count(-counted);
    try {
      const kept = await keptBytes(handle, file.bytes);
      if (kept > 0)
        for await (const piece of createReadStream(partial, { end: kept - 1 })) hash.update(piece as Buffer);
      count(kept);
      if (kept < file.bytes) await receive(request, handle, kept, hash, count);
      await handle.sync();
      const got = hash.digest('hex');
      if (kept > 0 && got !== file.hash) await startAgain(handle, `${file.name}: what was kept of it is damaged`);
      return got;
    } catch (error) {
      if (error instanceof Interruption && counted > furthest) error.hasMoved = true;
      furthest = Math.max(furthest, counted);
      throw error;
    } finally {
      await handle.close();
    }
  });
}

async function startAgain(handle: FileHandle, reason: string): Promise<never> {
  await handle.truncate(0);
  throw new Interruption(reason);
}

/** A longer partial file is of something else. */
async function keptBytes(handle: FileHandle, bytes: number): Promise<number> {
  const { size } = await handle.stat();
  if (size <= bytes) return size;
  await handle.truncate(0);
  return 0;
}

async function receive(
  request: BlobRequest,
  handle: FileHandle,
  from: number,
  hash: Hash,
  count: (bytes: number) => void,
): Promise<void> {
  const { hub, of, listing, file } = request;
  const path = `/${of.id}/resolve/${encodeURIComponent(listing.revision)}/${encodeURIComponent(file.name)}`;
  const answer = await get(hub, of, path, from > 0 ? { range: `bytes=${from}-` } : {});
  if (from > 0 && !continues(answer, from)) {
    answer.cancel();
    await startAgain(handle, `${file.name}: the hub does not go on from byte ${from}`);
  }
  let at = from;
  for await (const piece of answer.pieces) {
    at += piece.length;
    if (at > file.bytes) {
      answer.cancel();
      await handle.truncate(0);
      throw modelErrors.hubContent({
        id: hubIdText(of),
        file: file.name,
        got: `more than ${file.bytes} bytes`,
        expected: `${file.bytes} bytes`,
      });
    }
    await handle.appendFile(piece);
    hash.update(piece);
    count(piece.length);
  }
  if (at < file.bytes) throw new Interruption(`${file.name} ended after ${at} of ${file.bytes} bytes`);
}

const continues = ({ status, headers }: Answer, from: number): boolean =>
  status === 206 && (headers.get('content-range') ?? '').startsWith(`bytes ${from}-`);

/** SHA-256 of the bytes, or SHA-1 of git's blob: `blob SIZE\0` and the bytes. */
function contentHash({ hash, bytes }: HubFile): Hash {
  return hash.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}

/** Keeps or removes what came with another hash. */
export async function decide(blob: string, unverified: string, isKept: boolean): Promise<void> {
  await (isKept ? rename(unverified, blob) : rm(unverified, { force: true }));
}

export const blobPath = (root: string, { hash }: HubFile): string => join(root, 'blobs', hash);
