// SPDX-License-Identifier: Apache-2.0
// The rows of a comparison: which pairs of a file are taken, and what supervised training makes of them.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { randomRows } from './random-rows.mjs';

/**
 * Preference rows of a file, or random ones without a file.
 *
 * @param choice `first`: the first `count` of the file; `spread`: ordered by length, one of each of `count` equal shares,
 *   so that their lengths stand for the whole file's. Either way they keep the file's order.
 * @returns the rows, and the choice in words
 */
export function preferenceRows({ file, count, choice, maxTokens, vocabulary }) {
  if (choice !== 'first' && choice !== 'spread') throw new Error(`--choice is first or spread, not ${choice}.`);
  if (file === undefined) return { rows: randomRows(count, maxTokens, vocabulary), words: 'random ids' };
  const all = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  if (choice === 'first' || count >= all.length) {
    const rows = all.slice(0, count);
    return { rows, words: `the first ${rows.length} of ${all.length}, ${meanWords(rows, all)}` };
  }
  const byLength = all.map((_, index) => index).toSorted((a, b) => pairTokens(all[a]) - pairTokens(all[b]) || a - b);
  const chosen = Array.from({ length: count }, (_, i) => byLength[Math.floor(((i + 0.5) * all.length) / count)]);
  const rows = chosen.toSorted((a, b) => a - b).map((index) => all[index]);
  return { rows, words: `${count} of ${all.length}, spread over their lengths, ${meanWords(rows, all)}` };
}

/** Of prompt and both answers, the prompt once. */
const pairTokens = ({ promptIds, chosenIds, rejectedIds }) => promptIds.length + chosenIds.length + rejectedIds.length;

function meanWords(rows, all) {
  const mean = (some) => Math.round(some.reduce((sum, row) => sum + pairTokens(row), 0) / some.length);
  return `${mean(rows)} tokens a pair on average (${mean(all)} in the file)`;
}

/** Prompt and chosen answer: what supervised training sees of a pair. */
export const supervisedRow = ({ promptIds, chosenIds }) => ({ promptIds, responseIds: chosenIds });

const answersOf = (row) => (row.responseIds === undefined ? [row.chosenIds, row.rejectedIds] : [row.responseIds]);

/** Tokens of prompt and answer of every sequence, whatever is computed: a pair's prompt counts twice. */
export const realTokens = (rows) =>
  sum(rows.flatMap((row) => answersOf(row).map((ids) => row.promptIds.length + ids.length)));

/** Tokens of the longest prompt with one answer. */
export const longestSequence = (rows) =>
  Math.max(...rows.flatMap((row) => answersOf(row).map((ids) => row.promptIds.length + ids.length)));

export const hashOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);

/** As `trained_hash` of benchmarks/peers/common.py: of the ids that a loss was computed on, a list per sequence. */
export const trainedHash = (sequences) =>
  hashOf(
    sequences
      .map((ids) => ids.join(','))
      .toSorted()
      .join('\n'),
  );

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
