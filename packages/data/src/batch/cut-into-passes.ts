// SPDX-License-Identifier: Apache-2.0
import type { CollateOptions, EncodedRow, PassLimits } from '@llmf/training';
import { packedLength } from './collate.js';

/**
 * Cuts rows, in order, into the fewest passes within the limits, and those as equally long as rows allow: activations
 * follow the longest. A row that is larger than the limit by itself goes alone: none is cut here.
 */
export function cutIntoPasses(rows: readonly EncodedRow[], options: PassLimits & CollateOptions): EncodedRow[][] {
  let start = 0;
  return cutLengths(
    rows.map((row) => packedLength(row, options)),
    options,
  ).map(({ length }) => rows.slice(start, (start += length)));
}

/** The same for rows of which only the packed lengths are known. */
export function cutLengths(lengths: readonly number[], limits: PassLimits): number[][] {
  const { rows, tokens } = limits;
  const cut = (room: number) => filled(lengths, rows ?? Infinity, room);
  return cut(tokens === null ? Infinity : leastRoom(cut, tokens, lengths));
}

/** Every pass is filled before the next is begun. */
function filled(lengths: readonly number[], most: number, room: number): number[][] {
  const passes: number[][] = [];
  let left = 0;
  for (const length of lengths) {
    if (passes.length === 0 || length > left || passes.at(-1)!.length === most) {
      passes.push([]);
      left = room;
    }
    passes.at(-1)!.push(length);
    left -= length;
  }
  return passes;
}

/** The least room of a pass, up to `tokens`, with which there are no more of them. */
function leastRoom(cut: (room: number) => number[][], tokens: number, lengths: readonly number[]): number {
  const passes = cut(tokens).length;
  if (passes <= 1) return tokens;
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let [low, high] = [Math.min(tokens, Math.ceil(total / Math.max(1, passes))), tokens];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (cut(middle).length === passes) high = middle;
    else low = middle + 1;
  }
  return high;
}
