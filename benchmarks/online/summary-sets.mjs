// SPDX-License-Identifier: Apache-2.0
// Posts with the summary that their author wrote and those of several systems, whose worth is ROUGE-L to the author's.
import { readFileSync } from 'node:fs';
import { csvRows } from './csv.mjs';

/** `{ post, reference, summaries: [{ text, rouge }] }` of each post; texts are words and signs with spaces between. */
export function readSummarySets(file) {
  const [header, ...rows] = csvRows(readFileSync(file, 'utf8'));
  const posts = new Map();
  for (const row of rows.filter(({ length }) => length === header.length)) {
    const cell = (name) => words(row[header.indexOf(name)]);
    const [post, reference, text] = ['context', 'ref_text', 'sample'].map(cell);
    if (!posts.has(post)) posts.set(post, { post, reference, summaries: [] });
    if (text !== '') posts.get(post).summaries.push({ text, rouge: rougeL(text, reference) });
  }
  return [...posts.values()];
}

/** F1 of the longest common subsequence of words (Lin, 2004, ROUGE-L with β = 1), signs left out. */
export function rougeL(text, reference) {
  const [ours, theirs] = [text, reference].map((each) => each.split(' ').filter((word) => /[a-z\d]/.test(word)));
  const total = ours.length + theirs.length;
  return total === 0 ? 0 : (2 * commonSubsequence(ours, theirs)) / total;
}

function commonSubsequence(one, other) {
  let lengths = Array.from({ length: other.length + 1 }, () => 0);
  for (const word of one) {
    const next = [0];
    for (const [at, each] of other.entries()) {
      next.push(each === word ? lengths[at] + 1 : Math.max(lengths[at + 1], next[at]));
    }
    lengths = next;
  }
  return lengths.at(-1);
}

const words = (text) =>
  text
    .toLowerCase()
    .match(/[a-z]+(?:'[a-z]+)*|\d+|[.,!?]/g)
    ?.join(' ') ?? '';
