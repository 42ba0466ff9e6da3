// SPDX-License-Identifier: Apache-2.0

/** The known names, most similar to `name` first; equally similar ones keep their order. */
export function nearest(name: string, known: readonly string[]): string[] {
  const distances = new Map(known.map((other) => [other, dissimilarity(name, other)]));
  return [...known].sort((a, b) => distances.get(a)! - distances.get(b)!);
}

/** The known name that was probably meant, or null when none is close (a third of its letters may be wrong). */
export function closest(name: string, known: readonly string[]): string | null {
  const best = nearest(name, known)[0];
  if (best === undefined) return null;
  const allowed = Math.max(1, Math.floor(Math.max(name.length, best.length) / 3));
  return dissimilarity(name, best) <= allowed ? best : null;
}

/**
 * Letters to insert, delete, replace or swap with their neighbour to turn one word into the other
 * (Damerau–Levenshtein, optimal string alignment).
 */
export function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(previous[column]! + 1, current[column - 1]! + 1, previous[column - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, beforePrevious[column - 2]! + 1);
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length]!;
}

/** Case, `_`, `-` and blanks do not count, so that `learning_rate` is at once `learningRate`; a part of a name is near it. */
function dissimilarity(name: string, other: string): number {
  const [a, b] = [spelling(name), spelling(other)];
  const distance = editDistance(a, b);
  const isPart = a.length >= 3 && (b.startsWith(a) || b.endsWith(a));
  return isPart ? Math.min(distance, 1) : distance;
}

/** A name without what differs between spelling habits. */
export const spelling = (name: string): string => name.replace(/[-_ ]/g, '').toLowerCase();
