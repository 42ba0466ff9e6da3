// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';
import { decodeRow, type ByteFile } from './byte-file.js';
import { ByteIndex } from './byte-index.js';
import { IndexedReader } from './indexed-reader.js';
import { RowProblem, type RowReader } from './row-reader.js';

/** CSV or TSV (RFC 4180): the first record names the columns, quoted fields may hold line breaks; values are strings. */
export async function readCsv(file: ByteFile, delimiter: ',' | '\t'): Promise<RowReader> {
  const records = await indexRecords(file);
  if (records.length === 0) throw errors.emptyFile({ path: file.path });
  const head = decodeRow(await file.bytes(records.start(0), records.end(0)));
  if (head instanceof RowProblem)
    throw errors.encoding({ path: file.path, got: 'bytes that are not UTF-8', where: 'line 1' });
  const separator = delimiter === ',' && !head.includes(',') && head.includes(';') ? ';' : delimiter;
  const columns = splitRecord(head, separator);
  const repeated = columns.find((name, at) => columns.indexOf(name) !== at);
  if (repeated !== undefined) {
    throw errors.brokenCsv({ path: file.path, line: 1, problem: `the column ${repeated} is named twice` });
  }
  return new IndexedReader(file, records.withoutFirst(), (bytes) => {
    const text = decodeRow(bytes);
    if (text instanceof RowProblem) return text;
    const fields = splitRecord(text, separator);
    if (fields.length !== columns.length) {
      return new RowProblem(`${fields.length} fields, but the header names ${columns.length} columns`);
    }
    return Object.fromEntries(columns.map((name, at) => [name, fields[at]]));
  });
}

/** Byte ranges of the records, blank lines left out. @throws LLMF_DATA_BROKEN_CSV when a quote is never closed. */
async function indexRecords(file: ByteFile): Promise<ByteIndex> {
  const index = new ByteIndex();
  let start = file.begin;
  let isQuoted = false;
  let isBlank = true;
  let quoteOffset = 0;
  await file.scan((bytes, base) => {
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (byte === 0x22) {
        // A doubled quote closes and opens again: the state comes out right.
        isQuoted = !isQuoted;
        if (isQuoted) quoteOffset = base + at;
        isBlank = false;
      } else if (byte === 10 && !isQuoted) {
        if (!isBlank) index.push(start, base + at);
        start = base + at + 1;
        isBlank = true;
      } else if (byte !== 13 && byte !== 32) isBlank = false;
    }
  });
  if (isQuoted) {
    const { line } = await file.place(quoteOffset);
    throw errors.brokenCsv({ path: file.path, line, problem: 'the quote that opens here is never closed' });
  }
  if (!isBlank) index.push(start, file.size);
  return index;
}

/** The fields of one record. */
export function splitRecord(record: string, delimiter: string): string[] {
  const fields: string[] = [];
  const text = record.endsWith('\r') ? record.slice(0, -1) : record;
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = '';
      at++;
      for (;;) {
        const quote = text.indexOf('"', at);
        const end = quote === -1 ? text.length : quote;
        field += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        field += '"';
        at++;
      }
      const end = text.indexOf(delimiter, at);
      fields.push(field + text.slice(at, end === -1 ? text.length : end).trimEnd());
      if (end === -1) return fields;
      at = end + 1;
    } else {
      const end = text.indexOf(delimiter, at);
      fields.push(text.slice(at, end === -1 ? text.length : end));
      if (end === -1) return fields;
      at = end + 1;
    }
  }
}
