// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow, ResponseRole, RowSet } from '@llmf/training';
import { summarize, type DropSummary } from './drop-report.js';
import type { Tokenizer } from './tokenizer.js';

/** What `llmf check` shows of a split. */
export interface SplitDescription {
  readonly rows: number;
  /** Prompt and all answers of every row. */
  readonly tokens: number;
  /** Tokens of a prompt with its longest answer. */
  readonly lengths: LengthHistogram;
  readonly example: DescribedRow;
  readonly drops: DropSummary;
}

export interface LengthHistogram {
  readonly median: number;
  readonly p90: number;
  readonly largest: number;
  /** Rows of at most `upTo` tokens (and more than the bar before). */
  readonly bars: readonly { readonly upTo: number; readonly rows: number }[];
}

/** A row as text, cut where the loss begins and ends to count. */
export interface DescribedRow {
  readonly source: string;
  readonly row: number;
  readonly prompt: string;
  readonly responses: readonly { readonly role: ResponseRole; readonly pieces: readonly DescribedPiece[] }[];
}

export interface DescribedPiece {
  readonly text: string;
  readonly isCounted: boolean;
}

export async function describeSplit(view: RowSet, tokenizer: Tokenizer | null): Promise<SplitDescription> {
  const lengths = Array.from({ length: view.length }, (_, row) => view.longestOf(row)).sort((a, b) => a - b);
  let tokens = 0;
  for (let row = 0; row < view.length; row++) tokens += view.tokensOf(row);
  const [first] = await view.rows([0]);
  const example = { ...view.placeOf(0), ...describeRow(first!, tokenizer) };
  return { rows: view.length, tokens, lengths: histogram(lengths), example, drops: summarize(view.dropped) };
}

/** A row decoded piece by piece; without a tokenizer its ids are shown. */
export function describeRow(row: EncodedRow, tokenizer: Tokenizer | null): Pick<DescribedRow, 'prompt' | 'responses'> {
  const plain = (ids: Int32Array) => (tokenizer === null ? `${ids.join(' ')} ` : tokenizer.decode(ids));
  const decode = (ids: Int32Array) =>
    runsOf(ids)
      .map((run) => runText(run, plain))
      .join('');
  const responses = row.responses.map(({ role, ids, counted }) => {
    const pieces: DescribedPiece[] = [];
    for (let start = 0; start < ids.length;) {
      let end = start;
      while (end < ids.length && counted[end] === counted[start]) end++;
      pieces.push({ text: decode(ids.subarray(start, end)), isCounted: counted[start] === 1 });
      start = end;
    }
    return { role, pieces };
  });
  return { prompt: decode(row.prompt), responses };
}

/** Repetitions of a token from which on it is written once with their number (the pads of a picture). */
const longRun = 4;

/** A piece of ids: several different ones, or `count` of the same. */
interface IdRun {
  readonly ids: Int32Array;
  readonly count: number;
}

function runsOf(ids: Int32Array): IdRun[] {
  const runs: IdRun[] = [];
  let plainFrom = 0;
  for (let start = 0; start < ids.length;) {
    let end = start;
    while (end < ids.length && ids[end] === ids[start]) end++;
    if (end - start >= longRun) {
      if (start > plainFrom) runs.push({ ids: ids.subarray(plainFrom, start), count: 1 });
      runs.push({ ids: ids.subarray(start, start + 1), count: end - start });
      plainFrom = end;
    }
    start = end;
  }
  if (plainFrom < ids.length) runs.push({ ids: ids.subarray(plainFrom), count: 1 });
  return runs;
}

const runText = ({ ids, count }: IdRun, plain: (ids: Int32Array) => string) =>
  count === 1 ? plain(ids) : `${plain(ids).trimEnd()}×${count} `;

const bars = 8;

/** Bars of equal width over sorted lengths. */
export function histogram(sorted: readonly number[]): LengthHistogram {
  const largest = sorted.at(-1)!;
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  const width = Math.max(1, Math.ceil(largest / bars));
  const counts = Array.from({ length: Math.ceil(largest / width) }, () => 0);
  for (const length of sorted) counts[Math.ceil(length / width) - 1]!++;
  return {
    median: quantile(0.5),
    p90: quantile(0.9),
    largest,
    bars: counts.map((rows, at) => ({ upTo: (at + 1) * width, rows })),
  };
}

/** The description as lines for a terminal; learned text stands between ⟦ and ⟧. */
export function descriptionLines({ rows, tokens, lengths, example, drops }: SplitDescription): string[] {
  const most = Math.max(...lengths.bars.map((bar) => bar.rows));
  const bar = (count: number) => '█'.repeat(count === 0 ? 0 : Math.max(1, Math.round((30 * count) / most)));
  const wide = String(lengths.largest).length;
  const mark = ({ text, isCounted }: DescribedPiece) => (isCounted ? `⟦${text}⟧` : text);
  return [
    `${rows} rows, ${tokens} tokens; length median ${lengths.median}, 90 % ≤ ${lengths.p90}, largest ${lengths.largest}`,
    ...lengths.bars.map(({ upTo, rows: count }) => `  ≤ ${String(upTo).padStart(wide)}  ${bar(count)} ${count}`),
    `dropped ${drops.dropped}, truncated ${drops.truncated}`,
    ...drops.reasons.slice(0, 10).map(({ action, reason, count }) => `  ${action} ${count}: ${reason}`),
    `first example (row ${example.row} of ${example.source}), learned text in ⟦ ⟧:`,
    ...(example.prompt === '' ? [] : [`  prompt: ${example.prompt}`]),
    ...example.responses.map(({ role, pieces }) => `  ${role}: ${pieces.map(mark).join('')}`),
  ];
}
