// SPDX-License-Identifier: Apache-2.0
/** What Transformers' logits processors forbid (generation/logits_process.py, 5.18), as names of tokens. */
import type { Ban } from '@llmf/nn';

/** `suppress_tokens`: never. */
export const never =
  (ids: readonly number[]): Ban =>
  () =>
    ids;

/** `begin_suppress_tokens`: not first. */
export const notFirst =
  (ids: readonly number[]): Ban =>
  (_, answer) =>
    answer.length === 0 ? ids : [];

/** `min_new_tokens`, `min_length`: no end before the answer, or all together, has so many tokens. */
export const noEndBefore =
  (least: number, eosIds: readonly number[], countsPrompt: boolean): Ban =>
  (prompt, answer) =>
    answer.length + (countsPrompt ? prompt.length : 0) < least ? eosIds : [];

/** `no_repeat_ngram_size`: no run of so many tokens twice, the prompt counted. */
export const noRepeatedRun =
  (size: number): Ban =>
  (prompt, answer) => {
    const all = [...prompt, ...answer];
    const start = all.length - size + 1; // of the run that the next token completes
    if (start < 0) return [];
    const banned: number[] = [];
    for (let at = 0; at < start; at++) {
      if (isSame(all, at, start, size - 1)) banned.push(all[at + size - 1]!);
    }
    return banned;
  };

/** `bad_words_ids`: the last token of a word whose others were written; an end token is no word. */
export const noWords = (words: readonly (readonly number[])[], eosIds: readonly number[]): Ban => {
  const kept = words.filter((word) => word.length > 1 || !eosIds.includes(word[0]!));
  return (prompt, answer) => {
    const all = [...prompt, ...answer];
    const isWritten = (begun: readonly number[]) => {
      const start = all.length - begun.length;
      return start >= 0 && begun.every((id, at) => all[start + at] === id);
    };
    return kept.flatMap((word) => (isWritten(word.slice(0, -1)) ? [word.at(-1)!] : []));
  };
};

function isSame(all: readonly number[], a: number, b: number, length: number): boolean {
  for (let at = 0; at < length; at++) if (all[a + at] !== all[b + at]) return false;
  return true;
}
