// SPDX-License-Identifier: Apache-2.0

/** The same ids on every machine. */
export const randomIds = (count, vocabulary) => generator(vocabulary)(count);

/**
 * Preference rows of random ids, for comparisons without data: a third of `maxTokens` is prompt and the answers differ
 * in length, as in chat data. The same on every machine.
 */
export function randomRows(count, maxTokens, vocabulary) {
  const ids = generator(vocabulary);
  const below = generator(1000);
  return Array.from({ length: count }, () => {
    const [size, share] = below(2);
    const total = Math.floor(maxTokens * (0.5 + size / 2000));
    const prompt = Math.max(1, Math.floor(total / 3));
    const chosen = Math.max(1, Math.floor((total - prompt) * (0.35 + (0.3 * share) / 1000)));
    return { promptIds: ids(prompt), chosenIds: ids(chosen), rejectedIds: ids(Math.max(1, total - prompt - chosen)) };
  });
}

/** As randomRows, each pair of exactly `tokens`: a third of it prompt, equal answers. */
export function fullRows(count, tokens, vocabulary) {
  const ids = generator(vocabulary);
  const prompt = Math.floor(tokens / 3);
  const chosen = Math.floor((tokens - prompt) / 2);
  return Array.from({ length: count }, () => ({
    promptIds: ids(prompt),
    chosenIds: ids(chosen),
    rejectedIds: ids(tokens - prompt - chosen),
  }));
}

/** A linear congruential generator (Numerical Recipes' constants); upper bits only. */
function generator(limit) {
  let state = 1;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return (count) => Array.from({ length: count }, next);
}
