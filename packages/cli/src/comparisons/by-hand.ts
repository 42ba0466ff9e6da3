// SPDX-License-Identifier: Apache-2.0
import type { CliIo, Output } from '../io.js';
import { wrapText } from '../wrap-text.js';
import type { Comparison, LabelJournal, Verdict } from './labels.js';
import type { SampleRow } from './sample-row.js';

/** What a key means. */
const keys: Readonly<Record<string, Verdict | 'undo' | 'quit'>> = {
  '1': 'left',
  '2': 'right',
  '=': 'tie',
  s: 'skip',
  u: 'undo',
  q: 'quit',
  '\x03': 'quit', // Ctrl-C
};

const help = '1 left is better · 2 right is better · = equal · s skip · u undo · q quit and keep';

/** Shows two answers side by side and takes a key for each comparison, from where the journal ends. */
export async function labelByHand(
  { out, keys: pressed }: Pick<CliIo, 'out' | 'keys'>,
  rows: readonly SampleRow[],
  comparisons: readonly Comparison[],
  journal: LabelJournal,
): Promise<void> {
  const show = () => {
    const next = comparisons[journal.verdicts.length];
    if (next !== undefined) out.write(comparisonText(out, rows, next, journal.verdicts.length, comparisons.length));
  };
  show();
  if (journal.verdicts.length === comparisons.length) return;
  for await (const key of pressed) {
    const meaning = keys[key.toLowerCase()];
    if (meaning === 'quit') return;
    if (meaning === undefined) continue;
    if (meaning === 'undo') await journal.undo();
    else await journal.add(comparisons[journal.verdicts.length]!, meaning);
    show();
    if (journal.verdicts.length === comparisons.length) return;
  }
}

function comparisonText(
  { columns, isTerminal }: Output,
  rows: readonly SampleRow[],
  { prompt, left, right }: Comparison,
  at: number,
  total: number,
): string {
  const row = rows[prompt]!;
  const width = Math.min(columns, 160);
  const turns = typeof row.prompt === 'string' ? [{ role: 'prompt', content: row.prompt }] : row.prompt;
  return [
    isTerminal ? '\x1b[2J\x1b[H' : '', // clears the screen
    `${at + 1} of ${total}`,
    '',
    ...turns.flatMap(({ role, content }) => [`${role}:`, ...paragraphs(content, width), '']),
    ...beside(row.samples[left]!.text, row.samples[right]!.text, width),
    '',
    help,
    '',
  ].join('\n');
}

/** Two texts in columns with a rule between. */
export function beside(left: string, right: string, width: number): string[] {
  const column = Math.floor((width - 3) / 2);
  const [lefts, rights] = [
    ['1', ...paragraphs(left, column)],
    ['2', ...paragraphs(right, column)],
  ];
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, line) =>
    `${(lefts[line] ?? '').padEnd(column)} │ ${rights[line] ?? ''}`.trimEnd(),
  );
}

/** Control characters of a text would move the cursor. */
const paragraphs = (text: string, width: number): string[] =>
  text
    .replaceAll(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, ' ') // eslint-disable-line no-control-regex
    .split('\n')
    .flatMap((paragraph) => {
      const lines = wrapText(paragraph, width).flatMap((line) => cut(line, width));
      return lines.length === 0 ? [''] : lines;
    });

/** Words that are longer than a line. */
const cut = (line: string, width: number): string[] =>
  Array.from({ length: Math.ceil(line.length / width) }, (_, part) => line.slice(part * width, (part + 1) * width));
