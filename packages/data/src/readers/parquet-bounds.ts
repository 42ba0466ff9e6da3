// SPDX-License-Identifier: Apache-2.0
/**
 * A Parquet file of some kilobytes can announce pages of gigabytes and columns of billions of equal values, which the reader
 * would make. What a group of rows announces is summed before it is read; it may grow with the file.
 */
import type { AsyncBuffer, ColumnMetaData, FileMetaData } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';

/** Values of a group: so many, and some per byte of the file. Rows of equal values take next to none. */
const mostValues = 16_000_000;
const valuesPerByte = 4;
/** Bytes of its pages when they are unpacked; text packs to a tenth, seldom to a hundredth. */
const mostBytes = 128 * 2 ** 20;
const bytesPerByte = 100;

/** Why a group is not read. */
export class ParquetBounds extends RangeError {}

/** @throws ParquetBounds for numbers of rows that no file holds */
export function checkRowCounts({ row_groups: groups }: FileMetaData, file: AsyncBuffer): void {
  const limit = mostValues + valuesPerByte * file.byteLength;
  for (const { num_rows: rows } of groups) check('rows in a group', Number(rows), limit);
}

/** Looks at the headers of all pages of a group. @throws ParquetBounds */
export async function checkGroup(
  { row_groups: groups }: FileMetaData,
  group: number,
  file: AsyncBuffer,
): Promise<void> {
  const totals = { values: 0, bytes: 0 };
  for (const { meta_data: column } of groups[group]!.columns) {
    if (column !== undefined) await addPages(column, file, totals);
  }
}

interface Totals {
  values: number;
  bytes: number;
}

async function addPages(column: ColumnMetaData, file: AsyncBuffer, totals: Totals): Promise<void> {
  let at = Number(column.dictionary_page_offset ?? column.data_page_offset);
  const end = at + Number(column.total_compressed_size);
  check('bytes of a column', end, file.byteLength);
  check('place of a column', at, end);
  while (at < end - 1) {
    const page = await pageAt(file, at, end);
    check('bytes of a page', page.bytes, end - at);
    totals.values += page.values;
    totals.bytes += page.unpackedBytes;
    check('values', totals.values, mostValues + valuesPerByte * file.byteLength);
    check('unpacked bytes', totals.bytes, mostBytes + bytesPerByte * file.byteLength);
    at += page.bytes;
  }
}

interface Page {
  /** With its header. */
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly values: number;
}

/** Most headers are shorter; one with long statistics is read whole. */
const headerBytes = 1024;

async function pageAt(file: AsyncBuffer, at: number, end: number): Promise<Page> {
  for (const length of [Math.min(headerBytes, end - at), end - at]) {
    const reader = { view: new DataView(await file.slice(at, at + length)), offset: 0 };
    try {
      const header = parquetHeader(reader);
      const { uncompressed_page_size: unpackedBytes, compressed_page_size: packed } = header;
      const { data_page_header: one, data_page_header_v2: two, dictionary_page_header: three } = header;
      const values = (one ?? two ?? three)?.num_values ?? 0;
      check('bytes of a page', packed, end - at);
      check('unpacked bytes of a page', unpackedBytes, Infinity);
      check('values of a page', values, Infinity);
      return { bytes: reader.offset + packed, unpackedBytes, values };
    } catch (error) {
      if (error instanceof ParquetBounds || length === end - at) throw error;
    }
  }
  throw new ParquetBounds('a page has no header');
}

function check(what: string, value: number, limit: number): void {
  if (value >= 0 && value <= limit) return; // NaN is neither
  throw new ParquetBounds(`it announces ${value} ${what}, where at most ${limit} can be`);
}
