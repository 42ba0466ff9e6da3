// SPDX-License-Identifier: Apache-2.0
import { JsonNumber, parseJson } from '@llmf/jinja';
import { RowProblem } from '../readers/row-reader.js';
import type { ColumnRole, Tags } from './data-format.js';
import type { MediaReference } from './example.js';

/** Which column holds which role in one data file. */
export interface ColumnMap {
  readonly columns: Readonly<Partial<Record<ColumnRole, string>>>;
  readonly tags: Tags | null;
  /** Numeric columns asked for by losses and plugins. */
  readonly extras: readonly string[];
  /** Folder of the data file. */
  readonly folder: string;
}

/** One row seen through the names of its columns. */
export class Cells {
  constructor(
    private readonly row: Readonly<Record<string, unknown>>,
    private readonly map: ColumnMap,
  ) {}

  get tags(): Tags {
    if (this.map.tags === null) throw new RowProblem('this format has no chat messages');
    return this.map.tags;
  }

  /** The column's name in the file, for messages. */
  column(role: ColumnRole): string {
    return this.map.columns[role] ?? role;
  }

  /** The value, or null where the column is absent, null or not mapped. */
  value(role: ColumnRole): unknown {
    const column = this.map.columns[role];
    return column === undefined ? null : (this.row[column] ?? null);
  }

  has(role: ColumnRole): boolean {
    return this.value(role) !== null;
  }

  /** The same row with other values in some roles' columns. */
  replacing(values: Partial<Record<ColumnRole, unknown>>): Cells {
    const named = Object.entries(values).map(([role, value]) => [this.column(role as ColumnRole), value] as const);
    return new Cells({ ...this.row, ...Object.fromEntries(named) }, this.map);
  }

  /** @throws RowProblem unless there is a value. */
  required(role: ColumnRole): unknown {
    const value = this.value(role);
    if (value !== null) return value;
    const column = this.column(role);
    throw new RowProblem(column in this.row ? `column ${column} is null` : `column ${column} is missing`);
  }

  /** A string; numbers and booleans are written out. @throws RowProblem for null, lists and objects. */
  text(role: ColumnRole): string {
    return asText(this.required(role), `column ${this.column(role)}`);
  }

  optionalText(role: ColumnRole): string | undefined {
    const value = this.value(role);
    return value === null ? undefined : asText(value, `column ${this.column(role)}`);
  }

  /** The row's weight in the loss: 1 unless a column is named for it. */
  weight(): number {
    const value = this.value('weight');
    if (value === null) return 1;
    const weight = asNumber(value, `column ${this.column('weight')}`);
    if (weight < 0) throw new RowProblem(`column ${this.column('weight')} is negative`);
    return weight;
  }

  extras(): Record<string, number> {
    return Object.fromEntries(
      this.map.extras.map((name) => {
        if (this.row[name] === undefined || this.row[name] === null) throw new RowProblem(`column ${name} is missing`);
        return [name, asNumber(this.row[name], `column ${name}`)];
      }),
    );
  }

  /** Every media column, pictures first; a single value counts as a list of one. */
  media(): MediaReference[] {
    const kinds = { images: 'image', videos: 'video', audios: 'audio' } as const;
    return Object.entries(kinds).flatMap(([role, kind]) => {
      const value = this.value(role as ColumnRole);
      const list = value === null ? [] : Array.isArray(value) ? value : [value];
      return list.map((item: unknown) => ({ kind, value: item, folder: this.map.folder }));
    });
  }

  mediaReference(kind: MediaReference['kind'], value: unknown): MediaReference {
    return { kind, value, folder: this.map.folder };
  }
}

export function asText(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (['number', 'boolean', 'bigint'].includes(typeof value) || value instanceof JsonNumber) return String(value);
  if (value === null || value === undefined) throw new RowProblem(`${where} is null`);
  throw new RowProblem(`${where} is ${Array.isArray(value) ? 'a list' : 'an object'}, not a string`);
}

export function asNumber(value: unknown, where: string): number {
  const isWritten = (typeof value === 'string' && value.trim() !== '') || value instanceof JsonNumber;
  const number = isWritten || typeof value === 'bigint' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw new RowProblem(`${where} is not a number`);
}

/** Lists and objects; text columns of CSV and Parquet may hold them as JSON. */
export function asStructure(value: unknown, where: string): unknown {
  if (typeof value !== 'string') return value;
  try {
    return parseJson(value);
  } catch {
    throw new RowProblem(`${where} is a string that is not JSON`);
  }
}
