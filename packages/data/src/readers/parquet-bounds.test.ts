// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AsyncBuffer } from 'hyparquet';
import { parquetMetadata } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/tiny-tokenizers.js';
import { checkGroup, checkRowCounts } from './parquet-bounds.js';
import { readParquet } from './parquet.js';

const fixture = (kind: string) => readFileSync(new URL(`../../fixtures/pairs-${kind}.parquet`, import.meta.url));
const bufferOf = (bytes: Uint8Array): AsyncBuffer => ({
  byteLength: bytes.length,
  slice: async (start, end) => new Uint8Array(bytes.subarray(start, end)).buffer,
});
const metadataOf = (bytes: Uint8Array) => parquetMetadata(new Uint8Array(bytes).buffer);

/** Zigzag and base 128, as thrift's compact protocol has integers. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value * 2; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest];
    bytes.push((rest % 128) | 128);
  }
}

/** A page header: type, unpacked size, packed size, { values }. */
const header = (unpacked: number, packed: number, values: number) =>
  Uint8Array.from([0x15, 0, 0x15, ...varint(unpacked), 0x15, ...varint(packed), 0x2c, 0x15, ...varint(values), 0, 0]);

/** One column of one page after four bytes, as the footer would tell of it. */
function oneColumn(page: Uint8Array, more: number) {
  const bytes = Buffer.concat([Buffer.from('PAR1'), page, Buffer.alloc(more)]);
  const column = { data_page_offset: 4n, total_compressed_size: BigInt(page.length + more) };
  return { metadata: { row_groups: [{ columns: [{ meta_data: column }], num_rows: 1n }] } as never, bytes };
}

describe('what a Parquet file announces', () => {
  it.each(['none', 'snappy', 'gzip', 'zstd'])('of a file that there is (%s) is within bounds', async (kind) => {
    const bytes = fixture(kind);
    const metadata = metadataOf(bytes);
    checkRowCounts(metadata, bufferOf(bytes));
    await checkGroup(metadata, 0, bufferOf(bytes));
  });

  it('is read as the reader reads it', () => {
    const view = new DataView(header(5, 7, 300).buffer);
    expect(parquetHeader({ view, offset: 0 })).toMatchObject({
      uncompressed_page_size: 5,
      compressed_page_size: 7,
      data_page_header: { num_values: 300 },
    });
  });

  it.each([
    ['unpacked bytes', header(2 ** 30, 10, 1), 10],
    ['values', header(10, 10, 2 ** 30), 10],
    ['bytes of a page', header(10, 1000, 1), 10],
  ])('beyond bounds in %s is refused before anything is made of it', async (what, page, more) => {
    const { metadata, bytes } = oneColumn(page, more);
    await expect(checkGroup(metadata, 0, bufferOf(bytes))).rejects.toThrow(`${what}, where at most`);
  });

  it('is summed over the pages of a group', async () => {
    const page = Buffer.concat([header(2 ** 26, 0, 1), header(2 ** 26, 0, 1), header(2 ** 26, 0, 1)]);
    const { metadata, bytes } = oneColumn(page, 0);
    await expect(checkGroup(metadata, 0, bufferOf(bytes))).rejects.toThrow('announces 201326592 unpacked bytes');
  });

  it('in rows that no file holds is refused, with a code', async () => {
    const bytes = fixture('snappy');
    const metadata = metadataOf(bytes);
    metadata.row_groups[0]!.num_rows = 10n ** 15n;
    expect(() => checkRowCounts(metadata, bufferOf(bytes))).toThrow('1000000000000000 rows in a group');
    const file = join(temporaryFolder(), 'cut.parquet');
    writeFileSync(file, bytes.subarray(4));
    await expect(readParquet(file).then((reader) => reader.read(0, 1))).rejects.toMatchObject({
      code: 'LLMF_DATA_BROKEN_PARQUET',
    });
  });
});
