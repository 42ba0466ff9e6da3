// SPDX-License-Identifier: Apache-2.0
// Words that a small vocabulary lacks, as marks by how often a post says them: `@0` is the one it says most. A summary says
// what matters in the same marks, so that a model of few words can read and write it (after Hermann et al., 2015,
// arXiv:1506.03340, section 2.2).
import { marks } from './word-model.mjs';

export const rareMarks = Array.from({ length: 96 }, (_, at) => `@${at}`);

export class RareWords {
  #marks;
  #words;

  /** Gives the words of the post that `vocabulary` lacks their marks: the most frequent first, then the earliest. */
  constructor(post, vocabulary) {
    this.vocabulary = vocabulary;
    const counts = new Map();
    for (const word of post.split(' ')) if (!vocabulary.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const ordered = [...counts].sort(([, a], [, b]) => b - a).slice(0, rareMarks.length);
    this.#words = new Map(ordered.map(([word], at) => [rareMarks[at], word]));
    this.#marks = new Map(ordered.map(([word], at) => [word, rareMarks[at]]));
  }

  /** The text with marks for the rare words of the post, and for those that it lacks the mark of unknown ones. */
  hidden(text) {
    const known = (word) => (this.vocabulary.has(word) ? word : (this.#marks.get(word) ?? marks.unknown));
    return text.split(' ').map(known).join(' ');
  }

  /** The text with its words again; marks of no word stay. */
  shown(text) {
    return withWords(text, this.#words);
  }

  /** Word by mark. */
  toJSON() {
    return Object.fromEntries(this.#words);
  }
}

/** The text with the words that some of its words stand for. */
export function withWords(text, words) {
  return text
    .split(' ')
    .map((word) => words.get(word) ?? word)
    .join(' ');
}
