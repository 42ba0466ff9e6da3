// SPDX-License-Identifier: Apache-2.0
import { LlmfError } from '@llmf/core';
import { createHash } from 'node:crypto';
import { modelErrors } from '../errors.js';
import { hubIdText, isCommit, isContentHash, isPlainName, type HubId } from './hub-id.js';
import type { HubSettings } from './hub-settings.js';
import { getJson } from './request.js';

/** A file as the hub announces it. */
export interface HubFile {
  readonly name: string;
  readonly bytes: number;
  /** Names its blob in the cache: SHA-256 of a large file, else git's SHA-1 of the blob. */
  readonly hash: string;
}

/** What a revision holds at one commit. */
export interface Listing {
  readonly commit: string;
  /** What to ask the hub for: the commit, so that a branch that moves meanwhile changes nothing. */
  readonly revision: string;
  /** Those of the root that llmf reads. */
  readonly files: readonly HubFile[];
}

/** Weights as safetensors, and small text files. */
const isWanted = (path: string) => /^model.*\.safetensors$|\.(json|txt|jinja|model)$/s.test(path);

const mostPages = 100;

/** @throws LLMF_MODELS_HUB_NAME for anything that could become a path out of the cache, …_HUB_ANSWER, …_HUB_… */
export async function listRevision(hub: HubSettings, of: HubId): Promise<Listing> {
  const commit = isCommit(of.revision) ? of.revision : await commitOf(hub, of);
  const revision = commit ?? of.revision;
  const files: HubFile[] = [];
  let page: string | null = `/api/models/${of.id}/tree/${encodeURIComponent(revision)}?recursive=false`;
  for (let count = 0; page !== null; count++) {
    if (count === mostPages)
      throw modelErrors.hubAnswer({ id: hubIdText(of), got: 'page after page', expected: 'at most 100' });
    const { value, next } = await getJson(hub, of, page);
    files.push(...filesOf(of, value));
    page = next;
  }
  return { commit: commit ?? standIn(files), revision, files };
}

/** The commit that a branch or tag is at. null where the hub has no such question: some mirrors only serve files. */
async function commitOf(hub: HubSettings, of: HubId): Promise<string | null> {
  const path = `/api/models/${of.id}/revision/${encodeURIComponent(of.revision)}`;
  const answer = await getJson(hub, of, path).catch((error: unknown) => {
    if (LlmfError.is(error) && error.code === 'LLMF_MODELS_HUB_UNKNOWN') return null; // the listing decides
    throw error;
  });
  if (answer === null) return null;
  const commit = (answer.value as { sha?: unknown } | null)?.sha;
  if (typeof commit !== 'string') {
    throw modelErrors.hubAnswer({ id: hubIdText(of), got: 'no "sha"', expected: 'the commit of the revision' });
  }
  if (!isCommit(commit)) throw modelErrors.hubName({ id: hubIdText(of), kind: 'commit', got: commit });
  return commit;
}

/** Stands for a commit that nobody tells: the same files give the same one. */
const standIn = (files: readonly HubFile[]): string =>
  createHash('sha1')
    .update(JSON.stringify(files.map(({ name, hash }) => [name, hash])))
    .digest('hex');

interface TreeEntry {
  readonly type?: unknown;
  readonly path?: unknown;
  readonly size?: unknown;
  readonly oid?: unknown;
  readonly lfs?: { readonly oid?: unknown; readonly size?: unknown };
}

function filesOf(of: HubId, value: unknown): HubFile[] {
  if (!Array.isArray(value)) {
    throw modelErrors.hubAnswer({ id: hubIdText(of), got: typeof value, expected: 'a list of files' });
  }
  return (value as (TreeEntry | null)[]).flatMap((entry) =>
    entry?.type === 'file' && typeof entry.path === 'string' && isWanted(entry.path) ? [fileOf(of, entry)] : [],
  );
}

function fileOf(of: HubId, { path, size, oid, lfs }: TreeEntry): HubFile {
  const id = hubIdText(of);
  const name = path as string;
  if (!isPlainName(name)) throw modelErrors.hubName({ id, kind: 'file name', got: name });
  const hash = String(lfs?.oid ?? oid).replace(/^sha256:/, '');
  if (!isContentHash(hash)) throw modelErrors.hubName({ id, kind: 'hash', got: hash });
  const bytes = lfs?.size ?? size;
  if (typeof bytes !== 'number' || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw modelErrors.hubAnswer({
      id: `${id}, ${name}`,
      got: `a size of ${String(bytes)}`,
      expected: 'a number of bytes',
    });
  }
  return { name, bytes, hash };
}
