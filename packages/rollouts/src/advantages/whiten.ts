// SPDX-License-Identifier: Apache-2.0
/** What TRL adds to a variance before it takes its root. */
const epsilon = 1e-8;

/**
 * All tokens of a step brought to variance 1, and to mean 0 unless their mean is kept; TRL's `masked_whiten` (unbiased
 * variance). Fewer than two tokens have no variance and stay as they are.
 */
export function whiten(lists: readonly Float64Array[], { keepMean = false } = {}): Float64Array[] {
  const count = lists.reduce((sum, { length }) => sum + length, 0);
  if (count < 2) return lists.map((list) => list.slice());
  const over = (value: (each: number) => number) =>
    lists.reduce((sum, list) => sum + list.reduce((part, each) => part + value(each), 0), 0);
  const mean = over((each) => each) / count;
  const variance = over((each) => (each - mean) ** 2) / (count - 1);
  const scale = 1 / Math.sqrt(variance + epsilon);
  return lists.map((list) => list.map((each) => (each - mean) * scale + (keepMean ? mean : 0)));
}
