// SPDX-License-Identifier: Apache-2.0
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { ifThere, nearest } from '@llmf/core';
import { errors } from '../errors.js';
import { globMatcher } from './glob.js';
import { knownExtensions } from './open-reader.js';

/** Files beside the data that are not data. */
const notData = new Set(['dataset_info.json', 'dataset_infos.json', 'package.json']);

/** Systems refuse longer ones. */
const longestPath = 4096;

export interface FoundFiles {
  readonly files: readonly string[];
  /** A line for the user when files of other splits were left out, else null. */
  readonly notice: string | null;
}

/**
 * The data files of a path: the file itself, all data files below a folder, hidden ones left out, or those matching a glob (`*`, `**`, `?`,
 * `{a,b}`), sorted. `split` picks the files whose name has it as a word (`train-00000-of-00002.parquet`) or whose
 * folder is named so; a folder with files of several splits and no `split` stated gives its training files.
 */
export async function findFiles(path: string, folder: string, split: string | null): Promise<FoundFiles> {
  if (path.length > longestPath) throw errors.pathTooLong({ length: path.length, limit: longestPath });
  const full = resolve(folder, path);
  const info = await factsOf(full);
  if (info?.isFile()) return oneFile(full, split);
  if (info?.isDirectory()) return bySplit(full, await dataFilesBelow(full), split);
  if (!/[*?{[]/.test(path)) {
    throw errors.fileMissing({ path: full, near: await siblings(full), isStrange: info !== null });
  }
  const base = globBase(full);
  const matches = globMatcher(full);
  const all = await dataFilesBelow(base);
  const files = all.filter(matches);
  if (files.length === 0)
    throw errors.noFilesMatch({ pattern: full, found: shortList(all.map((file) => relative(base, file))) });
  return split === null ? { files, notice: null } : bySplit(base, files, split);
}

/** null: there is nothing. @throws LLMF_DATA_UNREADABLE */
export const factsOf = (path: string): Promise<Stats | null> => ifThere(stat(path)).catch(refused(path));

const refused = (path: string) => (error: Error) => {
  throw errors.unreadable({ path, problem: error.message }, { cause: error });
};

function oneFile(path: string, split: string | null): FoundFiles {
  if (split !== null && split !== 'train' && !hasWord(basename(path), split)) {
    throw errors.splitMissing({ path, split, found: ['a single file is one split, train'] });
  }
  return { files: [path], notice: null };
}

const splitWords = ['train', 'training', 'test', 'testing', 'validation', 'valid', 'val', 'dev', 'eval'];

function bySplit(folder: string, files: readonly string[], split: string | null): FoundFiles {
  if (files.length === 0) throw errors.noFilesMatch({ pattern: folder, found: [] });
  const inFolder = (word: string) => files.filter((file) => hasWord(relative(folder, file), word));
  if (split !== null) {
    const chosen = inFolder(split);
    if (chosen.length === 0) {
      throw errors.splitMissing({ path: folder, split, found: shortList(files.map((file) => relative(folder, file))) });
    }
    return { files: chosen, notice: null };
  }
  const training = new Set([...inFolder('train'), ...inFolder('training')]);
  const others = files.filter((file) => !training.has(file));
  const otherSplits = others.filter((file) => splitWords.some((word) => hasWord(relative(folder, file), word)));
  if (training.size === 0 || otherSplits.length === 0) return { files, notice: null };
  const names = shortList(otherSplits.map((file) => relative(folder, file))).join(', ');
  return {
    files: files.filter((file) => training.has(file)),
    notice: `${folder}: took the training files, left out ${names}; name another with \`split\`.`,
  };
}

const hasWord = (path: string, word: string) =>
  path
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .includes(word.toLowerCase());

/** None where there is no such folder. @throws LLMF_DATA_UNREADABLE */
async function dataFilesBelow(folder: string): Promise<string[]> {
  const entries = await ifThere(readdir(folder, { recursive: true, withFileTypes: true })).catch(refused(folder));
  return (entries ?? [])
    .filter((entry) => entry.isFile() && !notData.has(entry.name))
    .filter((entry) => knownExtensions.includes(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !isHidden(relative(folder, file)))
    .sort();
}

/** It or a folder above it: caches, such as llmf's own, and what version control keeps. */
const isHidden = (path: string): boolean => path.split(sep).some((part) => part.startsWith('.'));

async function siblings(path: string): Promise<string[]> {
  const names = await readdir(dirname(path)).catch(() => []);
  return nearest(basename(path), names).slice(0, 2);
}

const shortList = (names: readonly string[]) =>
  names.length <= 6 ? names : [...names.slice(0, 5), `… ${names.length} in all`];

/** The folder above the first part with a wildcard. */
function globBase(pattern: string): string {
  const parts = pattern.split(sep);
  const wild = parts.findIndex((part) => /[*?{[]/.test(part));
  return parts.slice(0, wild).join(sep) || sep;
}
