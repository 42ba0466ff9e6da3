// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { isRefused } from '@llmf/core';
import type { WatchedFiles } from '@llmf/nn';
import { modelErrors } from '../errors.js';
import { ggufOf } from '../gguf/gguf-folder.js';
import { readModelConfig } from './model-config.js';

/**
 * SHA-256 of a folder's weight files and of its config, whatever its layout of blanks; hex. Files that have not changed
 * since they were last read in this process are not read again.
 */
export async function fingerprintOf(folder: string): Promise<string> {
  const config = JSON.stringify(await readModelConfig(folder));
  const names = await weightFilesOf(folder);
  const state = stateOf(folder, names);
  const known = fingerprints.get(folder);
  if (known !== undefined && known.config === config && sameState(known.state, state)) return known.fingerprint;
  const fingerprint = await hashOf(folder, names, config);
  if (sameState(state, stateOf(folder, names))) fingerprints.set(folder, { config, state, fingerprint });
  return fingerprint;
}

const fingerprints = new Map<string, { config: string; state: FileState[]; fingerprint: string }>();

async function hashOf(folder: string, names: readonly string[], config: string): Promise<string> {
  const hash = createHash('sha256').update(config);
  for (const name of names) {
    hash.update(`\n${basename(name)}\n`);
    for await (const piece of createReadStream(resolve(folder, name), { highWaterMark: 2 ** 20 })) {
      hash.update(piece as Buffer);
    }
  }
  return hash.digest('hex');
}

/**
 * Frozen weights may lie in their files, which another program can cut or write over while they are computed on. Notes
 * the state of the files before they are loaded.
 */
export async function watchWeights(folder: string): Promise<WatchedFiles> {
  const names = await weightFilesOf(folder);
  let noted = stateOf(folder, names);
  return {
    async check() {
      const now = stateOf(folder, names);
      const at = now.findIndex((state, index) => state !== noted[index]);
      if (at === -1) return;
      const known = fingerprints.get(folder);
      const isKnown = known !== undefined && sameState(known.state, noted);
      const expected = isKnown ? known.fingerprint : null;
      const isSame = expected === null ? sameContents(now, noted) : (await fingerprintOrNull(folder)) === expected;
      if (!isSame) throw modelErrors.filesChanged({ file: resolve(folder, names[at]!) });
      noted = now;
    },
  };
}

/** null where the folder holds no weights any more, or others than can be read. @throws as the file system refuses */
const fingerprintOrNull = (folder: string): Promise<string | null> =>
  fingerprintOf(folder).catch((error: unknown) => {
    if (isRefused(error)) throw error;
    return null;
  });

/** Device, number, length, time of change of the contents, and of anything; null: no file. */
type FileState = string | null;

function stateOf(folder: string, names: readonly string[]): FileState[] {
  return names.map((name) => {
    const found = statSync(resolve(folder, name), { bigint: true, throwIfNoEntry: false });
    return found === undefined ? null : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ');
  });
}

const sameState = (one: readonly FileState[], two: readonly FileState[]): boolean =>
  one.length === two.length && one.every((state, at) => state === two[at]);

/** A new name or other permissions change none of the first four. */
const sameContents = (one: readonly FileState[], two: readonly FileState[]): boolean => {
  const contents = (state: FileState) => state?.split(' ').slice(0, 4).join(' ') ?? null;
  return sameState(one.map(contents), two.map(contents));
};

/** Names in the folder; of one that stands for a GGUF file that file's path. */
async function weightFilesOf(folder: string): Promise<string[]> {
  const gguf = ggufOf(folder);
  if (gguf !== null) return [gguf];
  return (await readdir(folder)).filter((name) => /^model.*\.safetensors$/.test(name)).sort();
}
