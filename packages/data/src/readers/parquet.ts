// SPDX-License-Identifier: Apache-2.0
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { errors } from '../errors.js';
import type { RawRow, RowReader } from './row-reader.js';

/** Parquet by row group: the group that holds the asked rows is decoded and kept until another is needed. */
export async function readParquet(path: string): Promise<RowReader> {
  const broken = (error: unknown): never => {
    throw errors.brokenParquet({ path, problem: error instanceof Error ? error.message : String(error) });
  };
  const file = await asyncBufferFromFile(path).catch(broken);
  const metadata = await parquetMetadataAsync(file).catch(broken);
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
      const rows = parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd }).catch(broken);
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

/**
 * Parquet's 64-bit integers come as BigInt: rows hold plain JSON values, and a BigInt only where a number would lose
 * digits. A struct has a null for every field that any row has; inside of one a null says that the field is not there.
 */
function plainRow(row: RawRow): RawRow {
  return Object.fromEntries(Object.entries(row as object).map(([column, value]) => [column, plainValue(value)]));
}

function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(plainValue);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const fields = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(fields.map(([key, inner]) => [key, plainValue(inner)]));
}
