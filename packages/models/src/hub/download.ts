// SPDX-License-Identifier: Apache-2.0
import { formatBytes, LlmfError } from '@llmf/core';
import { join } from 'node:path';
import { modelErrors } from '../errors.js';
import { blobPath, decide, fetchBlob, type Fetched } from './fetch-blob.js';
import { cacheFolderOf, hubIdText, type HubId } from './hub-id.js';
import type { HubSettings } from './hub-settings.js';
import { listRevision, type HubFile, type Listing } from './listing.js';
import { implausibleIn } from './plausible-weights.js';
import { Progress } from './progress.js';
import { cachedSnapshot, lackingIn, linkBlob, modelRoot, writeRef } from './snapshot.js';

/**
 * The snapshot folder of a hub id: from the cache when all of it is there, which asks the network for nothing; else
 * fetched, each file checked by size and hash.
 * @throws LLMF_MODELS_HUB_…
 */
export async function hubSnapshot(hub: HubSettings, of: HubId): Promise<string> {
  const root = modelRoot(hub.cache, of);
  const cached = await cachedSnapshot(root, of);
  const lacking = cached === null ? null : await lackingIn(cached);
  if (lacking?.needed === null && (lacking.usual === null || hub.isOffline)) return cached!;
  if (hub.isOffline) {
    throw modelErrors.hubOffline({ id: hubIdText(of), cache: root, missing: lacking?.needed ?? `${of.revision}` });
  }
  try {
    return await download(hub, of, root);
  } catch (error) {
    const isUnreachable = LlmfError.is(error) && error.code === 'LLMF_MODELS_HUB_FAILED';
    if (!isUnreachable || lacking?.needed !== null) throw error;
    hub.write(`the hub cannot be asked for ${lacking.usual}; using what is in the cache\n`);
    return cached!;
  }
}

async function download(hub: HubSettings, of: HubId, root: string): Promise<string> {
  const listing = await listRevision(hub, of);
  const { files, commit } = listing;
  if (!files.some(({ name }) => name === 'config.json')) {
    throw modelErrors.hubAnswer({ id: hubIdText(of), got: 'no config.json', expected: 'the repository of a model' });
  }
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const progress = new Progress(hub, hubIdText(of), total);
  progress.say(`fetching ${hubIdText(of)} (${files.length} files, ${formatBytes(total)}) into ${root}`);
  try {
    await fetchAll(hub, of, root, listing, progress);
  } finally {
    progress.close();
  }
  const snapshot = join(root, 'snapshots', commit);
  for (const file of files) await linkBlob(snapshot, file.name, blobPath(root, file));
  await writeRef(root, of, commit);
  return snapshot;
}

const filesAtOnce = 4;

/** Small files first: a wrong name or a refusal shows before anything large is fetched. */
async function fetchAll(
  hub: HubSettings,
  of: HubId,
  root: string,
  listing: Listing,
  progress: Progress,
): Promise<void> {
  const queue = listing.files.toSorted((a, b) => a.bytes - b.bytes);
  const results = new Map<HubFile, Fetched>();
  let failed = false;
  const worker = async () => {
    for (let file = queue.shift(); file !== undefined && !failed; file = queue.shift()) {
      const blob = blobPath(root, file);
      const lock = join(hub.cache, '.locks', cacheFolderOf(of), `${file.hash}.llmf.lock`);
      results.set(file, await fetchBlob({ hub, of, listing, file, blob, lock, progress }));
    }
  };
  const workers = Array.from({ length: filesAtOnce }, () =>
    worker().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  const ended = await Promise.allSettled(workers);
  await judge(of, root, results, progress);
  for (const each of ended) if (each.status === 'rejected') throw each.reason;
}

/**
 * Files with other hashes are removed, and an error. Only where no file at all has its hash the hub evidently announces
 * something else (mirrors that are no git hosts do); then what can be checked are sizes, and weights by their values, which
 * is said. SHA-256 of large files always counts.
 */
async function judge(
  of: HubId,
  root: string,
  results: ReadonlyMap<HubFile, Fetched>,
  progress: Progress,
): Promise<void> {
  const entries = [...results];
  const wrong = entries.flatMap(([file, fetched]) => (fetched.is === 'other' ? [{ file, ...fetched }] : []));
  if (wrong.length === 0) return;
  const isLarge = ({ hash }: HubFile) => hash.length === 64;
  const announcesHashes = entries.some(([file, { is }]) => is === 'same' || isLarge(file));
  const refusal = announcesHashes ? otherBytes(of, wrong[0]!) : await noWeights(of, wrong);
  for (const { file, unverified } of wrong) await decide(blobPath(root, file), unverified, refusal === null);
  if (refusal !== null) throw refusal;
  progress.say('warning: this hub announces no hashes of its files; only sizes and the look of weights were checked');
}

type Other = { readonly file: HubFile } & Extract<Fetched, { readonly is: 'other' }>;

const otherBytes = (of: HubId, { file, hash }: Other): Error =>
  modelErrors.hubContent({ id: hubIdText(of), file: file.name, got: hash, expected: file.hash });

/** The refusal of the first file of weights that are none; null where all may be some. */
async function noWeights(of: HubId, files: readonly Other[]): Promise<Error | null> {
  for (const { file, unverified } of files.filter(({ file: { name } }) => name.endsWith('.safetensors'))) {
    const got = await implausibleIn(unverified);
    const expected = 'weights: the hub announces no hash by which to tell';
    if (got !== null) return modelErrors.hubContent({ id: hubIdText(of), file: file.name, got, expected });
  }
  return null;
}
