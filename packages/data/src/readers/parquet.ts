// SPDX-License-Identifier: Apache-2.0
import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type AsyncBuffer,
  type FileMetaData,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { errors } from '../errors.js';
import { checkGroup, checkRowCounts } from './parquet-bounds.js';
import { parquetParsers, plainOf } from './parquet-values.js';
import type { RawRow, RowReader } from './row-reader.js';

/** Parquet by row group: the group that holds the asked rows is decoded and kept until another is needed. */
export async function readParquet(path: string): Promise<RowReader> {
  const broken = (error: unknown): never => {
    throw errors.brokenParquet({ path, problem: error instanceof Error ? error.message : String(error) });
  };
  const file = await asyncBufferFromFile(path).catch(broken);
  const metadata = await parquetMetadataAsync(file).catch(broken);
  const columns = await Promise.resolve()
    .then(() => checkedColumns(metadata, file))
    .catch(broken);
  const plainRow = (row: RawRow): RawRow =>
    Object.fromEntries(columns.map(([name, plain]) => [name, plain((row as Record<string, unknown>)[name])]));
  const groupStarts: number[] = [];
  let length = 0;
  for (const group of metadata.row_groups) {
    groupStarts.push(length);
    length += Number(group.num_rows);
  }

  let held: { group: number; rows: Promise<RawRow[]> } | null = null;
  const groupRows = (group: number): Promise<RawRow[]> => {
    if (held?.group !== group) {
      const rowStart = groupStarts[group]!;
      const rowEnd = groupStarts[group + 1] ?? length;
      // Bytes that the schema does not call text are a picture, not text.
      const asTyped = { utf8: false, parsers: parquetParsers };
      const rows = checkGroup(metadata, group, file)
        .then(() => parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd, ...asTyped }))
        .catch(broken);
      held = { group, rows: rows.then((read) => read.map(plainRow)) };
    }
    return held.rows;
  };

  return {
    path,
    length,
    async read(first, count) {
      const rows: RawRow[] = [];
      for (let row = first; row < Math.min(first + count, length); row++) {
        let group = groupStarts.length - 1;
        while (groupStarts[group]! > row) group--;
        rows.push((await groupRows(group))[row - groupStarts[group]!]);
      }
      return rows;
    },
    close: async () => {
      held = null;
    },
  };
}

/** Each column with what makes its values plain. @throws whatever a damaged footer leads to */
function checkedColumns(metadata: FileMetaData, file: AsyncBuffer) {
  checkRowCounts(metadata, file);
  return parquetSchema(metadata).children.map((node) => [node.element.name, plainOf(node)] as const);
}
