// SPDX-License-Identifier: Apache-2.0

/**
 * Preference rows of random ids, for comparisons without data: a third of `maxTokens` is prompt and the answers differ
 * in length, as in chat data. The same on every machine.
 */
export function randomRows(count, maxTokens, vocabulary) {
  let state = 1;
  const next = (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0; // a linear congruential generator; upper bits only
    return Math.floor((state / 2 ** 32) * limit);
  };
  const ids = (length) => Array.from({ length }, () => next(vocabulary));
  return Array.from({ length: count }, () => {
    const total = Math.floor(maxTokens * (0.5 + next(1000) / 2000));
    const prompt = Math.max(1, Math.floor(total / 3));
    const chosen = Math.max(1, Math.floor((total - prompt) * (0.35 + next(300) / 1000)));
    return { promptIds: ids(prompt), chosenIds: ids(chosen), rejectedIds: ids(Math.max(1, total - prompt - chosen)) };
  });
}
