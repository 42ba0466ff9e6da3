// SPDX-License-Identifier: Apache-2.0
import { makeFolder } from '@llmf/core';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DroppedRow } from '@llmf/training';

/** Rows of a report, counted by what happened to them and why. */
export interface DropSummary {
  readonly dropped: number;
  readonly truncated: number;
  /** Reasons with their counts, the most frequent first; numbers inside are left out so that alike ones count together. */
  readonly reasons: readonly {
    readonly action: DroppedRow['action'];
    readonly reason: string;
    readonly count: number;
  }[];
}

export function summarize(rows: readonly DroppedRow[]): DropSummary {
  const counts = new Map<string, { action: DroppedRow['action']; reason: string; count: number }>();
  for (const { action, reason } of rows) {
    const kind = reason.replace(/\d+/g, 'N');
    const entry = counts.get(`${action} ${kind}`) ?? { action, reason: kind, count: 0 };
    entry.count++;
    counts.set(`${action} ${kind}`, entry);
  }
  const count = (action: DroppedRow['action']) => rows.filter((row) => row.action === action).length;
  const reasons = [...counts.values()].sort((a, b) => b.count - a.count);
  return { dropped: count('dropped'), truncated: count('truncated'), reasons };
}

/**
 * Writes `data-report.jsonl` (of a task, `data-report-TASK.jsonl`): one object per dropped or truncated row with split, source, row, action and reason; an
 * empty file says that every row is whole. Gives a line for the user when there is something to tell.
 */
export async function writeReport(
  output: string,
  splits: Readonly<Record<string, readonly DroppedRow[]>>,
  task?: string,
): Promise<string | null> {
  const lines = Object.entries(splits).flatMap(([split, rows]) =>
    rows.map((row) => `${JSON.stringify({ split, ...row })}\n`),
  );
  const path = join(output, task === undefined ? 'data-report.jsonl' : `data-report-${task}.jsonl`);
  makeFolder(output);
  await writeFile(path, lines.join(''));
  const { dropped, truncated, reasons } = summarize(Object.values(splits).flat());
  if (dropped + truncated === 0) return null;
  const shown = reasons.slice(0, 3).map(({ reason, count }) => `${reason}: ${count}`);
  return `${dropped} rows dropped, ${truncated} truncated (${shown.join('; ')}); every one is in ${path}`;
}
