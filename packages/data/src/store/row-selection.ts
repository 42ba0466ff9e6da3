// SPDX-License-Identifier: Apache-2.0
import { permutation } from '@llmf/core';

/** A run of rows of one file. */
export interface RowRange {
  readonly file: number;
  /** 0-based in the file. */
  readonly first: number;
  readonly count: number;
}

export interface RowLimits {
  /** Rows drawn at random; null: no draw. */
  readonly samples: number | null;
  /** At most so many rows, the first ones where none are drawn. */
  readonly atMost: number | null;
}

/** The seed of everything that belongs to the data rather than to a run: the same rows are drawn whatever the run's seed. */
const drawKey = { seed: 0, stream: 'data-samples', step: 0, microbatch: 0 } as const;

/** Which rows of the files are read, in file order, in runs of at most `blockRows`. */
export function* selectRows(lengths: readonly number[], limits: RowLimits, blockRows: number): Generator<RowRange> {
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const take = Math.min(total, limits.samples ?? total, limits.atMost ?? total);
  if (limits.samples === null || take === total) {
    yield* ranges(lengths, blockRows, take);
    return;
  }
  const drawn = permutation(drawKey, 'rows', total).slice(0, take).sort();
  let file = 0;
  let fileStart = 0;
  for (const row of drawn) {
    while (row >= fileStart + lengths[file]!) fileStart += lengths[file++]!;
    yield { file, first: row - fileStart, count: 1 };
  }
}

function* ranges(lengths: readonly number[], blockRows: number, take: number): Generator<RowRange> {
  let left = take;
  for (const [file, length] of lengths.entries()) {
    for (let first = 0; first < length && left > 0; first += blockRows) {
      const count = Math.min(blockRows, length - first, left);
      yield { file, first, count };
      left -= count;
    }
  }
}

/**
 * Stored rows of an entry in order; more samples than rows repeat them: whole passes, then a random part.
 * `share` is wanted rows per read row.
 */
export function repeatRows(stored: number, share: number): Uint32Array {
  if (stored === 0) return new Uint32Array(0);
  const wanted = Math.max(stored, Math.round(stored * share));
  const rows = new Uint32Array(wanted);
  const extra = wanted % stored;
  const drawn = extra === 0 ? [] : permutation(drawKey, 'repeats', stored).slice(0, extra);
  for (let at = 0; at < wanted - extra; at++) rows[at] = at % stored;
  drawn.forEach((row, at) => (rows[wanted - extra + at] = row));
  return rows;
}
