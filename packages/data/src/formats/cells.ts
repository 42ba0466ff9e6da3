// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer';
import { JsonNumber, parseJson } from '@llmf/jinja';
import { OtherValue, RowProblem } from '../readers/row-reader.js';
import type { ColumnRole, Tags } from './columns.js';
import type { Example, MediaReference } from './example.js';

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

  /**
   * What every example says besides its text.
   * @throws RowProblem where the row sets values of the template, as TRL lets it: they would be lost
   */
  common(): Pick<Example, 'weight' | 'extras' | 'media' | 'emptyMedia'> {
    const values = this.row[templateValues];
    if (typeof values === 'object' && values !== null && Object.values(values).some((value) => value !== null))
      throw new RowProblem(
        `column ${templateValues} gives the template values of its own, which are not handed to it; write them into the template`,
      );
    const media = this.media();
    const emptyMedia = Object.entries(mediaRoles)
      .filter(
        ([role, kind]) => this.column(role as ColumnRole) in this.row && media.every((each) => each.kind !== kind),
      )
      .map(([, kind]) => kind);
    return { weight: this.weight(), extras: this.extras(), media, ...(emptyMedia.length > 0 && { emptyMedia }) };
  }

  /** Every media column, pictures first. */
  media(): MediaReference[] {
    return Object.entries(mediaRoles).flatMap(([role, kind]) => {
      const list = mediaList(this.value(role as ColumnRole), `column ${this.column(role as ColumnRole)}`);
      return list.map((item) => this.mediaReference(kind, item));
    });
  }

  mediaReference(kind: MediaReference['kind'], value: unknown): MediaReference {
    return { kind, value, folder: this.map.folder };
  }
}

/** A column of TRL's. */
const templateValues = 'chat_template_kwargs';

const mediaRoles = { images: 'image', videos: 'video', audios: 'audio' } as const;

/** A list, which CSV holds as JSON; a single value is a list of one. @throws RowProblem for a Python list as text. */
function mediaList(value: unknown, where: string): readonly unknown[] {
  if (value === null || value === '') return [];
  if (Array.isArray(value)) return value as unknown[];
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return [value];
  const parsed = asStructure(value, where);
  return Array.isArray(parsed) ? (parsed as unknown[]) : [parsed];
}

export function asText(value: unknown, where: string): string {
  if (typeof value === 'string') return value;
  if (['number', 'boolean', 'bigint'].includes(typeof value) || value instanceof JsonNumber) return String(value);
  // Older writers do not say that a column of bytes is text.
  if (value instanceof Uint8Array && isUtf8(value)) return Buffer.from(value).toString('utf8');
  throw new RowProblem(`${where} is ${kindOf(value)}${value === null || value === undefined ? '' : ', not a string'}`);
}

/** What a value is, in the words of the file it comes from. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return `binary (${value.length} bytes)`;
  return value instanceof OtherValue ? value.description : 'an object';
}

/** @throws RowProblem where a value without a form in JSON stands anywhere in it */
export function checkPlain(value: unknown, where: string): void {
  if (value instanceof OtherValue) throw new RowProblem(`${where} holds ${value.description}; write it as text`);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  for (const inner of Object.values(value)) checkPlain(inner, where);
}

export function asNumber(value: unknown, where: string): number {
  if (value instanceof OtherValue) throw new RowProblem(`${where} is ${value.description}, not a number`);
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
    throw new RowProblem(
      isPythonText(value)
        ? `${where} is written as Python prints it (single quotes, None), not as JSON; write it with json.dumps, or Parquet`
        : `${where} is a string that is not JSON`,
    );
  }
}

/** A list, tuple or dict as Python's `str` gives it: what `DataFrame.to_csv` writes for a column of lists. */
const isPythonText = (text: string) => /^\s*[[({]+\s*(?:'|None\b|True\b|False\b)/.test(text);
