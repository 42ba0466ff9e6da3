// SPDX-License-Identifier: Apache-2.0
// Film reviews in sentences, from SST-2, rt-polarity and IMDb's sample: who learns from which. SST-2 was cut from the
// snippets of rt-polarity, so that what either holds of the other is left out where it would be both learned and asked.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { csvRows } from './csv.mjs';

/** A sentence of words with spaces between, and whether it is kind (1) or not (0). */
const pair = (text, label) => ({ text, label });

/**
 * `learned`: SST-2's training sentences, of the language model and the reward model; `heldOut`: its dev and test sentences;
 * `others`: reviews of which no sentence is in SST-2, of the second judge; `plain`: texts without labels.
 */
export function readReviewSets(folder) {
  const sst = (name) => lines(join(folder, 'sst2', `${name}.tsv`)).map(labelled);
  const learned = sst('train');
  const heldOut = [...sst('dev'), ...sst('test')];
  const known = [...learned, ...heldOut].map(({ text }) => letters(text));
  const secret = new Set(heldOut.map(({ text }) => letters(text)));
  const snippets = [1, 0].flatMap((label) => {
    const file = join(folder, 'rt-polarity', `rt-polarity.${label === 1 ? 'pos' : 'neg'}`);
    return lines(file, 'latin1').map((text) => pair(words(text), label));
  });
  const [, ...rows] = csvRows(readFileSync(join(folder, 'imdb', 'imdb_sample.csv'), 'utf8'));
  const films = rows
    .filter((row) => row.length === 2 && row[1] !== '')
    .map(([text, label]) => pair(words(text.replaceAll('<br />', ' ')), Number(label)));
  const apart = snippets.filter(({ text }) => !overlaps(letters(text), known));
  return {
    learned,
    heldOut,
    others: [...apart, ...films],
    plain: [
      ...learned,
      ...snippets.filter(({ text }) => !overlaps(letters(text), secret)),
      ...films.flatMap(({ text }) => text.split(/(?<= [.!?]) /).map((each) => pair(each, null))),
    ].map(({ text }) => text),
  };
}

/** Whether a snippet is, or holds, one of the sentences; very short ones prove nothing. */
function overlaps(snippet, sentences) {
  for (const each of sentences) if (each.length > 15 && snippet.includes(each)) return true;
  return false;
}

const lines = (file, encoding = 'utf8') => readFileSync(file, encoding).trim().split('\n');

function labelled(line) {
  const [text, label] = line.split('\t');
  return pair(words(text), Number(label));
}

const letters = (text) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');

/** Lower case, one token a word or sign: as both sets of sentences nearly are already. */
const words = (text) =>
  (
    text
      .toLowerCase()
      .replaceAll(/\s*(n't|'s|'re|'ve|'ll|'d|'m)\b/g, ' $1')
      .match(/n't|'[a-z]+|[a-z]+|\d+|[^\sa-z\d]/g) ?? []
  ).join(' ');
