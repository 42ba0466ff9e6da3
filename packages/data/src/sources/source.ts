// SPDX-License-Identifier: Apache-2.0
import { dirname, extname, resolve } from 'node:path';
import type { SourceOptions } from '../options.js';
import { errors } from '../errors.js';
import { factsOf, findFiles } from '../readers/find-files.js';
import type { TextPieces } from '../readers/row-reader.js';
import { describedSource } from './dataset-info.js';

/** One file to be read, with everything the config or its description says about it. */
export interface SourceFile {
  readonly path: string;
  readonly format: string | null;
  readonly columns: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string | undefined>> | null;
  readonly pieces: TextPieces;
}

/** One entry of the config: its files and its part in the mixture. */
export interface Source {
  readonly name: string;
  readonly files: readonly SourceFile[];
  readonly weight: number | null;
  /** Rows to draw; null: all. */
  readonly samples: number | null;
}

/** Finds the files of every entry. `notice` gets lines for the user. */
export async function resolveSources(
  entries: readonly SourceOptions[],
  folder: string,
  notice: (line: string) => void,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const entry of entries) sources.push(await resolveSource(entry, folder, notice));
  return sources;
}

async function resolveSource(given: SourceOptions, folder: string, notice: (line: string) => void): Promise<Source> {
  const entry = await described(given, folder);
  const found = await findFiles(entry.path, folder, entry.split ?? null);
  if (found.notice !== null) notice(found.notice);
  checkPieces(entry, found.files);
  const files = found.files.map((path) => ({
    path,
    format: entry.format ?? null,
    columns: entry.columns ?? {},
    tags: entry.tags ?? null,
    pieces: entry.pieces ?? 'line',
  }));
  return { name: given.dataset ?? entry.path, files, weight: entry.weight ?? null, samples: entry.samples ?? null };
}

/** An entry whose `dataset` has been looked up; what the entry itself states stands above the description. */
async function described(entry: SourceOptions, folder: string): Promise<SourceOptions & { path: string }> {
  if (entry.path !== undefined && entry.dataset !== undefined) {
    throw errors.optionUnfit({
      option: 'train',
      value: `{ path: ${entry.path}, dataset: ${entry.dataset} }`,
      because: 'an entry names either a path or a described data set',
      fix: 'Remove one of the two.',
    });
  }
  if (entry.dataset !== undefined) {
    const infoFile = await infoFileOf(entry.infoFile, folder);
    return { ...(await describedSource(entry.dataset, infoFile)), ...definedOnly(entry) };
  }
  if (entry.infoFile !== undefined || entry.path === undefined) {
    throw errors.optionUnfit({
      option: 'train',
      value: entry.path === undefined ? 'an entry without path and dataset' : `infoFile: ${entry.infoFile}`,
      because: entry.path === undefined ? 'it names no data' : 'it is only read together with `dataset`',
      fix: 'Write { path: FILE } or { dataset: NAME, infoFile: dataset_info.json }.',
    });
  }
  return { ...entry, path: entry.path };
}

async function infoFileOf(stated: string | undefined, folder: string): Promise<string> {
  const full = resolve(folder, stated ?? 'data/dataset_info.json');
  const info = await factsOf(full);
  if (info === null) throw errors.fileMissing({ path: full, near: [], where: 'data.train[].infoFile' });
  return info.isDirectory() ? resolve(full, 'dataset_info.json') : full;
}

function definedOnly(entry: SourceOptions): Omit<SourceOptions, 'dataset' | 'infoFile' | 'path'> {
  const { dataset: _dataset, infoFile: _infoFile, path: _path, ...rest } = entry;
  return Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
}

function checkPieces(entry: SourceOptions & { path: string }, files: readonly string[]): void {
  if (entry.pieces === undefined || files.some((file) => ['.txt', '.text'].includes(extname(file).toLowerCase())))
    return;
  throw errors.optionUnfit({
    option: 'train',
    value: `pieces: ${entry.pieces}`,
    because: `there is no text file in ${dirname(files[0]!)}`,
    fix: 'Remove `pieces`; it cuts .txt files into rows.',
  });
}
