// SPDX-License-Identifier: Apache-2.0
import { extname } from 'node:path';
import { errors } from '../errors.js';
import { ByteFile } from './byte-file.js';
import { readCsv } from './csv.js';
import { readJson, readJsonLinesOrArray } from './json-array.js';
import { readText } from './text.js';
import type { ReaderOptions, RowReader } from './row-reader.js';

type OpenText = (file: ByteFile, options: ReaderOptions) => Promise<RowReader>;

const textReaders: Readonly<Record<string, OpenText>> = {
  '.json': readJson,
  '.jsonl': readJsonLinesOrArray,
  '.ndjson': readJsonLinesOrArray,
  '.csv': (file) => readCsv(file, ','),
  '.tsv': (file) => readCsv(file, '\t'),
  '.txt': (file, { pieces }) => readText(file, pieces),
  '.text': (file, { pieces }) => readText(file, pieces),
};

/** File extensions that can be read. */
export const knownExtensions: readonly string[] = [...Object.keys(textReaders), '.parquet'];

/** Indexes a data file by its extension. @throws coded errors for unknown, unreadable, broken and empty files. */
export async function openReader(path: string, options: ReaderOptions): Promise<RowReader> {
  const extension = extname(path).toLowerCase();
  if (!knownExtensions.includes(extension)) throw errors.unknownFileType({ path, extension, known: knownExtensions });
  const reader =
    extension === '.parquet' ? await openParquet(path) : await openText(path, textReaders[extension]!, options);
  if (reader.length > 0) return reader;
  await reader.close();
  throw errors.emptyFile({ path });
}

/** The Parquet decoder is loaded when it is needed. */
async function openParquet(path: string): Promise<RowReader> {
  const { readParquet } = await import('./parquet.js');
  return readParquet(path);
}

async function openText(path: string, open: OpenText, options: ReaderOptions): Promise<RowReader> {
  const file = await ByteFile.open(path);
  try {
    return await open(file, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}
