// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';
import { decodeRow, type ByteFile } from './byte-file.js';
import { ByteIndex } from './byte-index.js';
import { IndexedReader } from './indexed-reader.js';
import { RowProblem, type RowReader } from './row-reader.js';

/** How one file writes its fields. */
interface Dialect {
  readonly separator: string;
  /** Every comma has a space behind it (`skipinitialspace` of Python's csv). */
  readonly skipsSpace: boolean;
}

/**
 * CSV or TSV (RFC 4180): the first record names the columns, quoted fields may hold line breaks; values are strings. As
 * Python's csv reads it, a quote means something only where a field begins, and lines end with LF, CRLF or CR.
 */
export async function readCsv(file: ByteFile, delimiter: ',' | '\t'): Promise<RowReader> {
  const dialect = dialectOf(await firstLine(file), delimiter);
  const records = await indexRecords(file, dialect);
  if (records.length === 0) throw errors.emptyFile({ path: file.path });
  const columns = columnNames(file, await file.bytes(records.start(0), records.end(0)), dialect);
  return new IndexedReader(file, records.withoutFirst(), (bytes) => {
    const text = decodeRow(bytes);
    const fields = text instanceof RowProblem ? text : splitRecord(text, dialect);
    if (fields instanceof RowProblem) return fields;
    if (fields.length !== columns.length) {
      return new RowProblem(`${fields.length} fields, but the header names ${columns.length} columns`);
    }
    const named = columns.flatMap((name, at) => (name === '' ? [] : [[name, fields[at]] as const]));
    return Object.fromEntries(named);
  });
}

/** The first line in which something stands, as text; bytes that are not UTF-8 do not matter yet. */
async function firstLine(file: ByteFile): Promise<string> {
  let line = '';
  await file.scan((bytes) => {
    line += Buffer.from(bytes).toString('utf8');
    return /\S[^\r\n]*[\r\n]/.test(line);
  });
  return /\S[^\r\n]*/.exec(line)?.[0] ?? '';
}

function dialectOf(line: string, delimiter: ',' | '\t'): Dialect {
  const other = [';', '\t'].find((each) => line.includes(each));
  const separator = delimiter === ',' && !line.includes(',') && other !== undefined ? other : delimiter;
  const behind = line.split(separator).slice(1);
  return { separator, skipsSpace: behind.length > 0 && behind.every((name) => name.startsWith(' ')) };
}

/** Names of the columns; '' for the columns without one, which spreadsheets and pandas write for row numbers. */
function columnNames(file: ByteFile, bytes: Uint8Array, dialect: Dialect): string[] {
  const head = decodeRow(bytes);
  if (head instanceof RowProblem)
    throw errors.encoding({ path: file.path, got: 'bytes that are not UTF-8', where: 'line 1' });
  const fields = splitRecord(head, dialect);
  const broken = (problem: string) => errors.brokenCsv({ path: file.path, line: 1, problem });
  if (fields instanceof RowProblem) throw broken(fields.message);
  const columns = fields.map((name) => name.trim());
  const repeated = columns.find((name, at) => name !== '' && columns.indexOf(name) !== at);
  if (repeated !== undefined) throw broken(`the column ${repeated} is named twice`);
  return columns;
}

/** Byte ranges of the records, blank lines left out. @throws LLMF_DATA_BROKEN_CSV when a quote is never closed. */
async function indexRecords(file: ByteFile, { separator, skipsSpace }: Dialect): Promise<ByteIndex> {
  const index = new ByteIndex();
  const separatorByte = separator.charCodeAt(0);
  let state: 'fieldStart' | 'plain' | 'quoted' | 'behindQuote' = 'fieldStart';
  let start = file.begin;
  let isBlank = true;
  let quoteOffset = 0;
  await file.scan((bytes, base) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (state === 'quoted') {
        if (byte === quote) state = 'behindQuote';
      } else if (byte === quote && state !== 'plain') {
        // Doubled inside of a quoted field, or the one that opens it.
        if (state === 'fieldStart') quoteOffset = base + at;
        state = 'quoted';
        isBlank = false;
      } else if (byte === lineFeed || byte === carriageReturn) {
        if (!isBlank) index.push(start, base + at);
        start = base + at + 1;
        isBlank = true;
        state = 'fieldStart';
      } else if (byte === separatorByte) {
        state = 'fieldStart';
        isBlank = false;
      } else if (byte !== space || !skipsSpace || state !== 'fieldStart') {
        state = 'plain';
        if (byte !== space) isBlank = false;
      }
    }
  });
  if (state === ('quoted' as string)) {
    const { line } = await file.place(quoteOffset);
    throw errors.brokenCsv({ path: file.path, line, problem: 'the quote that opens here is never closed' });
  }
  if (!isBlank) index.push(start, file.size);
  return index;
}

/** The fields of one record, or why it is none. */
function splitRecord(text: string, { separator, skipsSpace }: Dialect): string[] | RowProblem {
  const fields: string[] = [];
  for (let at = 0; ;) {
    if (skipsSpace) while (text[at] === ' ') at++;
    const opensAt = at;
    let field = '';
    if (text[at] === '"') {
      const end = quotedEnd(text, at);
      field = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    }
    const next = text.indexOf(separator, at);
    const rest = text.slice(at, next === -1 ? text.length : next);
    if (at > opensAt && rest.trim() !== '') {
      return new RowProblem(`text stands behind the quote that closes field ${fields.length + 1}; write quotes as ""`);
    }
    fields.push(at > opensAt ? field : rest);
    if (next === -1) return fields;
    at = next + 1;
  }
}

/** Where the quote stands that closes the field opened at `at`: doubled ones are text. */
function quotedEnd(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (end !== -1 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  return end === -1 ? text.length : end;
}

const quote = 0x22;
const space = 0x20;
const lineFeed = 10;
const carriageReturn = 13;
