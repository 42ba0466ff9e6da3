// SPDX-License-Identifier: Apache-2.0
import { join, relative, isAbsolute } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { nearest, throwIfStopped } from '@llmf/core';
import type { DroppedRow } from '@llmf/training';
import type { EncodedBlock } from '../encode/encode-block.js';
import { errors } from '../errors.js';
import type { DataFormat } from '../formats/data-format.js';
import { builtInFormats } from '../formats/index.js';
import { openSourceFile, type OpenedFile, type ReadingPlan } from '../sources/open-source-file.js';
import type { Source } from '../sources/source.js';
import { hashFile, hashJson } from './content-hash.js';
import { encodeRanges } from './encode-ranges.js';
import { recordVersion } from './record.js';
import { selectRows, type RowLimits, type RowRange } from './row-selection.js';
import { StoreWriter } from './store-writer.js';
import { TokenStore } from './token-store.js';
import type { BuildSettings } from './build-settings.js';

/** Changes when the same data would be encoded otherwise by a newer version of this package. */
const encodingVersion = 5;
const blockRows = 256;

export interface StoredRows {
  readonly store: TokenStore;
  /** Changes with the rows' tokens, not with the place of their files. */
  readonly fingerprint: string;
}

/** The tokenized rows of one entry: from the cache where it fits, else built. */
export async function storeOf(source: Source, limits: RowLimits, settings: BuildSettings): Promise<StoredRows> {
  const { fingerprint, key } = await identityOf(source, limits, settings);
  const place = join(settings.cacheFolder, key.slice(0, 32));
  const store = (await TokenStore.open(place, key)) ?? (await build(source, limits, settings, key, place));
  for (const line of store.facts.notices) settings.notice(line);
  return { store, fingerprint };
}

interface StoreIdentity {
  /** Rows of a project that was moved have the same. */
  readonly fingerprint: string;
  /** Of this place too. */
  readonly key: string;
}

/**
 * Everything that the stored tokens depend on. The key also says where the files lie: reports name them, and relative
 * media start in their folder.
 */
async function identityOf(source: Source, limits: RowLimits, settings: BuildSettings): Promise<StoreIdentity> {
  const files = [];
  for (const { path, ...facts } of source.files) files.push({ ...facts, content: await hashFile(path) });
  const { tokenizer, template, encoding, wanted, extras, transforms, formats } = settings;
  const fingerprint = hashJson({
    encodingVersion,
    recordVersion,
    files,
    limits,
    wanted,
    extras,
    encoding,
    tokenizer: tokenizer?.fingerprint ?? null,
    template: template === null ? null : [template.plain, template.chat?.source ?? null],
    transforms: transforms.map(({ name, version }) => [name, version]),
    formats: formats.filter((format) => !builtInFormats.includes(format)).map(formatVersion),
  });
  return { fingerprint, key: hashJson([fingerprint, source.files.map(({ path }) => path)]) };
}

/** A plugin's format without a version may read otherwise tomorrow: its rows are not found again. */
const formatVersion = ({ name, version }: DataFormat) => [name, version ?? `${process.pid}-${Date.now()}`];

async function build(
  source: Source,
  limits: RowLimits,
  settings: BuildSettings,
  key: string,
  place: string,
): Promise<TokenStore> {
  const files = await openFiles(source, settings);
  const writer = await StoreWriter.create(place);
  try {
    const state = newState(source, settings);
    for (const { reader, plan } of files) {
      const name = displayPath(reader.path, settings.folder);
      if (settings.wanted === 'single' && plan.kind === 'pair')
        state.notices.add(`${name} holds pairs: their chosen answers are learned.`);
      const unread = settings.wanted === 'prompt' ? [] : unreadColumns(plan); // a reward reads them all
      if (unread.length > 0) state.notices.add(`${name}: columns that are not read: ${unread.join(', ')}.`);
    }
    const lengths = files.map(({ reader }) => reader.length);
    const rows = lengths.reduce((sum, length) => sum + length, 0);
    const ranges = selectRows(lengths, limits, blockRows);
    for await (const { range, block } of encodeRanges(ranges, Math.min(rows, limits.atMost ?? rows), files, settings)) {
      await nextTurn();
      throwIfStopped(settings);
      await writer.add(block, range.file);
      state.note(range, block);
    }
    state.checkColumns(files);
    const { sources, dropped, seen, notices } = state;
    await writer.finish({ key, seen, extras: [...settings.extras], sources, dropped, notices: [...notices] });
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    await Promise.all(files.map(({ reader }) => reader.close()));
  }
  const store = await TokenStore.open(place, key);
  if (store === null) throw errors.cacheLost({ path: place, problem: 'it cannot be read back' });
  return store;
}

/** Columns that neither the format nor a loss asks for. */
function unreadColumns({ map, sampleColumns }: ReadingPlan): string[] {
  const read = new Set([...Object.values(map.columns), ...map.extras]);
  return sampleColumns.filter((column) => !read.has(column));
}

async function openFiles(source: Source, settings: BuildSettings): Promise<OpenedFile[]> {
  const files: OpenedFile[] = [];
  try {
    for (const file of source.files) {
      const opened = await openSourceFile(file, settings.formats, settings.wanted, settings.extras);
      files.push(opened);
      if (settings.tokenizer === null && opened.format.columns.responseIds === undefined) {
        throw errors.tokenizerMissing({ folder: settings.tokenizerFolder });
      }
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ reader }) => reader.close()));
    throw error;
  }
}

/** What is said about the rows while they are encoded. */
function newState(source: Source, settings: BuildSettings) {
  const dropped: DroppedRow[] = [];
  const notices = new Set<string>();
  const seenColumns = source.files.map(() => new Set<string>());
  const sources = source.files.map(({ path }) => displayPath(path, settings.folder));
  return {
    sources,
    dropped,
    notices,
    seen: 0,
    note(range: RowRange, block: EncodedBlock) {
      this.seen += range.count;
      for (const entry of block.dropped) dropped.push({ source: sources[range.file]!, ...entry });
      for (const line of block.notices) notices.add(line);
      for (const column of block.seenColumns) seenColumns[range.file]!.add(column);
    },
    /** A stated column that no row has is a mistake in the config. */
    checkColumns(files: readonly OpenedFile[]) {
      files.forEach(({ reader, plan }, at) => {
        const absent = plan.unseen.find(({ column }) => !seenColumns[at]!.has(column));
        if (absent === undefined) return;
        throw errors.unknownColumn({ path: reader.path, ...absent, near: nearest(absent.column, plan.sampleColumns) });
      });
    },
  };
}

export const displayPath = (path: string, folder: string) => {
  const short = relative(folder, path);
  return short.startsWith('..') || isAbsolute(short) ? path : short;
};
