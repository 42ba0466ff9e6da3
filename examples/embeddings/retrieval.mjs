// SPDX-License-Identifier: Apache-2.0
// How often the own passage is the nearest of all, by what `llmf embed` wrote: node retrieval.mjs vectors.jsonl
import { readFileSync } from 'node:fs';

const rows = readFileSync(process.argv[2], 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const product = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
/** 1 where no other passage is nearer to the question. */
const ranks = rows.map(({ anchor, positive }) => {
  const own = product(anchor, positive);
  return 1 + rows.filter((other) => product(anchor, other.positive) > own).length;
});
const first = ranks.filter((rank) => rank === 1).length / ranks.length;
const reciprocal = ranks.reduce((sum, rank) => sum + 1 / rank, 0) / ranks.length;
console.log(`${rows.length} questions: nearest ${first.toFixed(3)}, mean reciprocal rank ${reciprocal.toFixed(3)}`);
