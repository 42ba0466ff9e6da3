// SPDX-License-Identifier: Apache-2.0
import type { ByteFile } from './byte-file.js';
import { ByteIndex } from './byte-index.js';
import { IndexedReader } from './indexed-reader.js';
import { jsonRowParser } from './parse-json-row.js';
import type { RowReader } from './row-reader.js';

const newline = 10;

/** One JSON value per line; blank lines are passed over. `fix` replaces the usual advice when a line is broken. */
export async function readJsonLines(file: ByteFile, fix?: string): Promise<RowReader> {
  return linesReader(file, await indexLines(file), fix);
}

/** The lines of an index as JSON values. */
export const linesReader = (file: ByteFile, lines: ByteIndex, fix?: string): RowReader =>
  new IndexedReader(file, lines, jsonRowParser(file, fix));

/** Byte ranges of the lines that hold more than white space, without their line ends. */
export async function indexLines(file: ByteFile): Promise<ByteIndex> {
  const index = new ByteIndex();
  let start = file.begin;
  let isBlank = true;
  await file.scan((bytes, base) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === newline) {
        if (!isBlank) index.push(start, base + at);
        start = base + at + 1;
        isBlank = true;
        continue;
      }
      if (isBlank && byte !== 32 && byte !== 9 && byte !== 13) isBlank = false;
      if (isBlank) continue;
      // The rest of the line is of no interest: jump to its end.
      const end = bytes.indexOf(newline, at);
      if (end === -1) return;
      at = end - 1;
    }
  });
  if (!isBlank) index.push(start, file.size);
  return index;
}
