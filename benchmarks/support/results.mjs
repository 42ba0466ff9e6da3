// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

const file = join(import.meta.dirname, '..', 'results.csv');
const columns = [
  'date',
  'commit',
  'processor',
  'threads',
  'path', // instruction path of a kernel, or the system of a comparison
  'benchmark',
  'shape',
  'medianSeconds',
  'rate',
  'rateUnit',
  'shareOfPeak',
  'peakMemoryBytes',
];

/** Adds rows to benchmarks/results.csv; date, commit and processor come by themselves. */
export function appendResults(rows) {
  const shared = { date: new Date().toISOString().slice(0, 16), commit: commit(), processor: processor() };
  if (!existsSync(file)) appendFileSync(file, `${columns.join(',')}\n`);
  for (const row of rows)
    appendFileSync(file, `${columns.map((name) => cell({ ...shared, ...row }[name])).join(',')}\n`);
  console.log(`${rows.length} rows appended to benchmarks/results.csv`);
}

export const processor = () => `${cpus()[0]?.model.trim() ?? 'unknown'} (${cpus().length} logical)`;

/** Short hash; `+` where files differ from it. */
function commit() {
  const git = (...words) => execFileSync('git', words, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no', '--', ':/packages') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? '+' : ''}`;
  } catch {
    return 'unknown';
  }
}

function cell(value) {
  const text = value === undefined || value === null ? '' : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Columns padded to their widest cell; numbers to the right. */
export function printTable(header, rows) {
  const lines = [header, ...rows.map((row) => row.map(String))];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const isNumber = header.map((_, column) => rows.every((row) => /^[\d.,]|^–$/.test(String(row[column]))));
  for (const line of lines) {
    console.log(
      line
        .map((text, i) => (isNumber[i] ? text.padStart(widths[i]) : text.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    );
  }
}
