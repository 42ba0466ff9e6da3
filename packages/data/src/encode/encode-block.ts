// SPDX-License-Identifier: Apache-2.0
import type { DroppedRow } from '@llmf/training';
import { errors } from '../errors.js';
import { type OpenedFile, readExamples } from '../sources/open-source-file.js';
import type { WantedRows } from '../formats/data-format.js';
import type { Example } from '../formats/example.js';
import { RowProblem } from '../readers/row-reader.js';
import { encodeRecord } from '../store/record.js';
import { sourceText } from './source-text.js';
import type { RecordBlock } from '../store/store-writer.js';
import { longestLength, storedTokens, type EncodedParts } from './encoded-parts.js';
import type { Encoder } from './encoder.js';

/** Some rows of one file, as its reader gave them. */
export interface RawBlock {
  /** 1-based number of the first row in its file. */
  readonly firstRow: number;
  readonly rows: readonly unknown[];
}

export interface EncodedBlock extends RecordBlock {
  readonly dropped: readonly Omit<DroppedRow, 'source'>[];
  /** Stated columns that some row of the block had. */
  readonly seenColumns: readonly string[];
  /** Lines for the user that concern the whole data set. */
  readonly notices: readonly string[];
}

export interface BlockContext {
  readonly path: string;
  readonly file: Pick<OpenedFile, 'format' | 'plan'>;
  readonly wanted: WantedRows;
  readonly encoder: Encoder;
  /** Ids at or above this do not exist in the model; null: not known. */
  readonly vocabulary: number | null;
  /** Changes to examples that plugins ask for (a modality marking its placeholders). */
  readonly transforms: readonly ((example: Example) => Example)[];
}

/** Rows to records: the one piece of work, done in this thread or in a worker. */
export function encodeBlock(block: RawBlock, context: BlockContext): EncodedBlock {
  const { plan } = context.file;
  const records: Buffer[] = [];
  const tokens: number[] = [];
  const longest: number[] = [];
  const numbers: number[] = [];
  const dropped: Omit<DroppedRow, 'source'>[] = [];
  const seenColumns = new Set<string>();
  const keep = (row: EncodedParts, number: number, source: string) => {
    records.push(encodeRecord(row, plan.map.extras, source));
    tokens.push(storedTokens(row));
    longest.push(longestLength(row));
    numbers.push(number);
  };
  block.rows.forEach((raw, at) => {
    const row = block.firstRow + at;
    for (const { column } of plan.unseen) if (hasColumn(raw, column)) seenColumns.add(column);
    const outcome = encodeRow(raw, context);
    if (outcome instanceof RowProblem) return void dropped.push({ row, action: 'dropped', reason: outcome.message });
    for (const encoded of outcome.rows) {
      checkIds(encoded.row, row, context);
      keep(encoded.row, row, context.wanted === 'prompt' ? sourceText(raw, encoded.example) : '');
    }
    for (const reason of outcome.reasons) dropped.push({ row, action: reason.action, reason: reason.reason });
  });
  const sizes = records.map(({ length }) => length);
  return {
    records: Buffer.concat(records),
    sizes,
    tokens,
    longest,
    numbers,
    dropped,
    seenColumns: [...seenColumns],
    notices: [...context.encoder.notices],
  };
}

interface Outcome {
  readonly rows: readonly { readonly row: EncodedParts; readonly example: Example }[];
  readonly reasons: readonly Pick<DroppedRow, 'action' | 'reason'>[];
}

function encodeRow(raw: unknown, { file, wanted, encoder, transforms }: BlockContext): Outcome | RowProblem {
  const examples = readExamples(raw, file, wanted);
  if (examples instanceof RowProblem) return examples;
  const rows: Outcome['rows'][number][] = [];
  const reasons: Pick<DroppedRow, 'action' | 'reason'>[] = [];
  for (const example of examples) {
    try {
      const encoded = encoder.encode(transforms.reduce((changed, transform) => transform(changed), example));
      rows.push(...encoded.rows.map((row) => ({ row, example })));
      if (encoded.truncated !== null) reasons.push({ action: 'truncated', reason: encoded.truncated });
    } catch (error) {
      if (!(error instanceof RowProblem)) throw error;
      reasons.push({ action: 'dropped', reason: error.message });
    }
  }
  return { rows, reasons };
}

/** @throws LLMF_DATA_ID_OUT_OF_RANGE for ids that the model's embedding does not have. */
function checkIds({ prompt, responses }: EncodedParts, row: number, { path, vocabulary }: BlockContext): void {
  if (vocabulary === null) return;
  for (const ids of [prompt, ...responses.map((response) => response.ids)]) {
    const id = ids.find((each) => each >= vocabulary);
    if (id !== undefined) throw errors.idOutOfRange({ path, row, id, vocabulary });
  }
}

const hasColumn = (raw: unknown, column: string) =>
  typeof raw === 'object' &&
  raw !== null &&
  (raw as Record<string, unknown>)[column] !== undefined &&
  (raw as Record<string, unknown>)[column] !== null;
