// SPDX-License-Identifier: Apache-2.0
import { dirname } from 'node:path';
import { nearest } from '@llmf/core';
import type { StandardRowKind } from '@llmf/training';
import { errors } from '../errors.js';
import { chooseKind, rowKindsOf } from '../formats/answers.js';
import { Cells, type ColumnMap } from '../formats/cells.js';
import type { DataFormat, WantedRows } from '../formats/data-format.js';
import { columnRoles, type ColumnRole, type Tags } from '../formats/columns.js';
import type { Example } from '../formats/example.js';
import { openReader } from '../readers/open-reader.js';
import { RowProblem, type RowReader } from '../readers/row-reader.js';
import type { SourceFile } from './source.js';

/** Rows looked at to know a file's columns. */
const sampleRows = 50;

/** How rows of one file become examples: decided once, then the same for every row (and in every worker). */
export interface ReadingPlan {
  readonly format: string;
  readonly map: ColumnMap;
  /** Columns stated by the user that the sample did not show; an error if no row has them. */
  readonly unseen: readonly { readonly role: string; readonly column: string }[];
  /** What the rows could serve as, the most specific first; empty: the columns do not say (token ids). */
  readonly kinds: readonly StandardRowKind[];
  /** What the rows serve as; null: not decided by the columns (running text, token ids, any). */
  readonly kind: StandardRowKind | null;
  /** Columns that the sample showed, for messages. */
  readonly sampleColumns: readonly string[];
}

export interface OpenedFile {
  readonly reader: RowReader;
  readonly format: DataFormat;
  readonly plan: ReadingPlan;
}

/**
 * Indexes a file, recognises its format and decides on its columns.
 * @throws coded errors: format not recognised, unknown columns, rows of another kind than the stage needs.
 */
export async function openSourceFile(
  file: SourceFile,
  formats: readonly DataFormat[],
  wanted: WantedRows,
  extras: readonly string[],
): Promise<OpenedFile> {
  const reader = await openReader(file.path, { pieces: file.pieces });
  try {
    const sample = await reader.read(0, sampleRows);
    const seen = columnsOf(sample);
    const unread = sample.find((row) => row instanceof RowProblem);
    if (seen.size === 0 && unread !== undefined)
      throw errors.noRowRead({ path: file.path, rows: sample.length, reason: unread.message });
    const format =
      file.format === null ? detectFormat(file, formats.filter(isFor(wanted)), seen) : findFormat(file.format, formats);
    const columns = planColumns(file, format, seen, extras);
    const plan = { ...columns, kinds: kindsOf(format, columns, seen) };
    const kind = checkKind(file, format, plan, seen, wanted);
    return { reader, format, plan: { ...plan, kind } };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Examples of a raw row, or the reason why there are none. */
export function readExamples(
  row: unknown,
  { format, plan }: Pick<OpenedFile, 'format' | 'plan'>,
  wanted: WantedRows,
): Example[] | RowProblem {
  if (row instanceof RowProblem) return row;
  if (typeof row !== 'object' || row === null || Array.isArray(row)) {
    return new RowProblem(
      `the row is ${row === null ? 'null' : Array.isArray(row) ? 'a list' : `a ${typeof row}`}, not an object`,
    );
  }
  try {
    return format.read(new Cells(row as Record<string, unknown>, plan.map), wanted);
  } catch (error) {
    if (error instanceof RowProblem) return error;
    throw error;
  }
}

/** Columns that hold something in the sample. */
function columnsOf(rows: readonly unknown[]): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const row of rows) {
    if (typeof row !== 'object' || row === null || row instanceof RowProblem) continue;
    for (const [column, value] of Object.entries(row)) if (value !== null) seen.add(column);
  }
  return seen;
}

/** Formats of their own kinds of rows are looked for by who wants these, and where anything goes. */
const isFor =
  (wanted: WantedRows) =>
  ({ serves }: DataFormat): boolean => {
    const isOwn = wanted === 'classified' || wanted === 'similar';
    return serves === undefined ? !isOwn : wanted === 'any' || serves.some((kind) => kind === wanted);
  };

function findFormat(name: string, formats: readonly DataFormat[]): DataFormat {
  const found = formats.findLast((format) => format.name === name);
  if (found !== undefined) return found;
  throw errors.unknownFormat({
    name,
    near: nearest(
      name,
      formats.map((format) => format.name),
    ),
  });
}

function detectFormat(file: SourceFile, formats: readonly DataFormat[], seen: ReadonlySet<string>): DataFormat {
  const stated = Object.keys(file.columns) as ColumnRole[];
  for (const format of formats) {
    if (stated.some((role) => format.columns[role] === undefined)) continue;
    const has = (role: ColumnRole) => columnFor(role, file, format, seen) !== undefined;
    if (format.recognisedBy.some((roles) => roles.every(has))) return format;
  }
  for (const [role, column] of Object.entries(file.columns)) {
    if (!seen.has(column))
      throw errors.unknownColumn({ path: file.path, role, column, near: nearest(column, [...seen]) });
  }
  throw errors.formatUndetected({ path: file.path, columns: [...seen], formats: formats.map(({ name }) => name) });
}

/** The column of a role: the stated one, else the first usual one that the sample shows. */
function columnFor(
  role: ColumnRole,
  file: SourceFile,
  format: DataFormat,
  seen: ReadonlySet<string>,
): string | undefined {
  const stated = file.columns[role];
  if (stated !== undefined) return seen.has(stated) ? stated : undefined;
  return format.columns[role]?.find((column) => seen.has(column));
}

function planColumns(
  file: SourceFile,
  format: DataFormat,
  seen: ReadonlySet<string>,
  extras: readonly string[],
): Omit<ReadingPlan, 'kind' | 'kinds'> {
  const columns: Partial<Record<ColumnRole, string>> = {};
  const unseen: { role: string; column: string }[] = [];
  for (const [role, column] of Object.entries(file.columns)) {
    if (format.columns[role as ColumnRole] === undefined) {
      const roles = columnRoles.filter((known) => format.columns[known] !== undefined);
      throw errors.columnUnused({ path: file.path, role, format: format.name, roles });
    }
    if (!seen.has(column)) unseen.push({ role, column });
  }
  for (const role of columnRoles) {
    const candidates = format.columns[role];
    if (candidates === undefined) continue;
    // An optional column may appear only in later rows: its usual name stays mapped.
    const column = file.columns[role] ?? candidates.find((name) => seen.has(name)) ?? candidates[0];
    if (column !== undefined) columns[role] = column;
  }
  for (const column of extras) if (!seen.has(column)) unseen.push({ role: 'a loss', column });
  if (file.tags !== null && Object.keys(file.tags).length > 0 && format.tags === undefined) {
    throw errors.tagsUnused({ path: file.path, format: format.name });
  }
  const tags = format.tags === undefined ? null : mergeTags(format.tags, file.tags ?? {});
  return {
    format: format.name,
    map: { columns, tags, extras, folder: dirname(file.path) },
    unseen,
    sampleColumns: [...seen],
  };
}

function mergeTags(usual: Tags, stated: Readonly<Record<string, string | undefined>>): Tags {
  const given = Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
  return { ...usual, ...given };
}

const kindNames = {
  text: 'running text',
  single: 'supervised rows (a prompt and one answer)',
  pair: 'preference pairs (chosen and rejected)',
  labelled: 'labelled answers (an answer and a label true or false)',
  group: 'several scored answers per prompt',
  prompt: 'prompts (with or without answers)',
  classified: 'texts with labels',
  similar: 'texts that mean the same (anchor, positive)',
} as const;

function kindsOf(
  format: DataFormat,
  { map }: Pick<ReadingPlan, 'map'>,
  seen: ReadonlySet<string>,
): readonly StandardRowKind[] {
  if (format.columns.responseIds !== undefined) return [];
  if (format.serves !== undefined) return format.serves;
  if (format.columns.text !== undefined) return ['text'];
  return rowKindsOf((role) => seen.has(map.columns[role] ?? ''));
}

/** What the file's rows serve as; fails at once, with both names, when none of them can serve the stage. */
function checkKind(
  file: SourceFile,
  format: DataFormat,
  plan: Omit<ReadingPlan, 'kind'>,
  seen: ReadonlySet<string>,
  wanted: WantedRows,
): StandardRowKind | null {
  if (wanted === 'any' || format.columns.responseIds !== undefined) return null;
  if (format.serves?.some((kind) => kind === wanted) === true) return wanted;
  const has = (role: ColumnRole) => seen.has(plan.map.columns[role] ?? '');
  const isText = format.columns.text !== undefined;
  if (wanted === 'prompt') return null; // every format's rows begin with one; a row without is reported
  if (wanted === 'text' && (isText || has('prompt') || has('messages'))) return null;
  const kind = isText ? null : chooseKind(wanted, plan.kinds);
  if (kind !== null) return kind;
  const missing = plan.unseen[0];
  if (missing !== undefined) {
    throw errors.unknownColumn({ path: file.path, ...missing, near: nearest(missing.column, [...seen]) });
  }
  const described = plan.kinds.map((each) => kindNames[each]).join(' or ') || `the columns ${[...seen].join(', ')}`;
  throw errors.wrongRows({ path: file.path, has: described, wants: kindNames[wanted] });
}
