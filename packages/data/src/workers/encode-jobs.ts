// SPDX-License-Identifier: Apache-2.0
import { LlmfError, type ErrorDetail } from '@llmf/core';
import { JsonNumber } from '@llmf/jinja';
import type { EncodedBlock } from '../encode/encode-block.js';
import type { EncodingOptions } from '../encode/encoding.js';
import type { WantedRows } from '../formats/data-format.js';
import { OtherValue, RowProblem } from '../readers/row-reader.js';
import type { ReadingPlan } from '../sources/open-source-file.js';

/** What a worker is told once: everything by name or as plain data. */
export interface WorkerSetup {
  readonly tokenizerFolder: string;
  readonly templateName: string;
  /** Folder that a template's path starts from. */
  readonly folder: string;
  readonly encoding: EncodingOptions;
  readonly wanted: WantedRows;
  readonly vocabulary: number | null;
  readonly files: readonly { readonly path: string; readonly plan: ReadingPlan }[];
}

/** One block of raw rows; rows that the reader could not read are given apart, as messages carry no classes. */
export interface EncodeJob {
  readonly id: number;
  readonly file: number;
  readonly firstRow: number;
  readonly rows: readonly unknown[];
  readonly problems: readonly (readonly [place: number, reason: string])[];
}

export type EncodeReply =
  | { readonly id: number; readonly block: EncodedBlock }
  | { readonly id: number; readonly failure: Failure };

/** An error that crossed a thread. */
export interface Failure {
  readonly message: string;
  readonly coded?: { readonly code: string; readonly detail: ErrorDetail; readonly status: 1 | 2 };
}

export function packJob(id: number, file: number, firstRow: number, rows: readonly unknown[]): EncodeJob {
  const problems = rows.flatMap((row, place) => (row instanceof RowProblem ? [[place, row.message] as const] : []));
  return {
    id,
    file,
    firstRow,
    rows: rows.map((row) => (row instanceof RowProblem ? null : packValues(row))),
    problems,
  };
}

export function unpackRows({ rows, problems }: EncodeJob): unknown[] {
  const whole = rows.map(unpackValues);
  for (const [place, reason] of problems) whole[place] = new RowProblem(reason);
  return whole;
}

/** Stand for the classes of a number that is kept as it was written, and of a value without a form in JSON. */
const numberKey = '\u0000number';
const otherKey = '\u0000other';

function packValues(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof JsonNumber) return { [numberKey]: value.text };
  if (value instanceof OtherValue) return { [otherKey]: value.description };
  return mapped(value, packValues);
}

function unpackValues(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { [numberKey]: text, [otherKey]: description } = value as Record<string, unknown>;
  if (typeof text === 'string') return new JsonNumber(text);
  return typeof description === 'string' ? new OtherValue(description) : mapped(value, unpackValues);
}

/** Lists and plain objects with every value changed; bytes and dates as they are. */
function mapped(value: object, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]));
}

export function packFailure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (!LlmfError.is(error)) return { message };
  return { message, coded: { code: error.code, detail: error.detail, status: error.status } };
}

/** The error itself where it had a code, else null. */
export const unpackFailure = ({ coded }: Failure): LlmfError | null =>
  coded === undefined ? null : new LlmfError(coded.code, coded.detail, coded.status);
