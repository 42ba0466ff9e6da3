// SPDX-License-Identifier: Apache-2.0
import { permutation, randomWords } from '@llmf/core';
import type { RowOrder } from './row-view.js';

export type Mixture = 'concat' | 'interleaveUnder' | 'interleaveOver';

export interface MixtureSettings {
  readonly mixture: Mixture;
  /** Share of each entry, any positive scale. */
  readonly weights: readonly number[];
  /** Draw each entry's rows in random order (file order otherwise). */
  readonly shuffle: boolean;
}

/** The draw belongs to the data: the same mixture whatever the run's seed. */
const mixKey = (stream: string) => ({ seed: 0, stream, step: 0, microbatch: 0 });

/**
 * Orders the rows of several entries. `concat`: one entry behind the other. Interleaved: every place is drawn from the
 * entries by weight, until the first entry (Under) or the last one (Over; the others start again) is used up.
 */
export function mix(entries: readonly Uint32Array[], { mixture, weights, shuffle }: MixtureSettings): RowOrder {
  if (mixture === 'concat' || entries.length === 1) return concat(entries);
  const orders = entries.map((rows, entry) => {
    if (!shuffle) return rows;
    return permutation(mixKey('mixture-order'), String(entry), rows.length).map((at) => rows[at]!);
  });
  const limits = cumulative(weights);
  const used = entries.map(() => 0);
  const isDone = entries.map(() => false);
  const store: number[] = [];
  const row: number[] = [];
  const draws = new Draws();
  while (mixture === 'interleaveUnder' ? !isDone.includes(true) : isDone.includes(false)) {
    const unit = draws.next();
    const entry = limits.findIndex((limit) => unit < limit);
    const order = orders[entry]!;
    store.push(entry);
    row.push(order[used[entry]! % order.length]!);
    used[entry]!++;
    if (used[entry]! >= order.length) isDone[entry] = true;
  }
  return { store: Uint16Array.from(store), row: Uint32Array.from(row) };
}

function concat(entries: readonly Uint32Array[]): RowOrder {
  const length = entries.reduce((sum, rows) => sum + rows.length, 0);
  const order = { store: new Uint16Array(length), row: new Uint32Array(length) };
  let at = 0;
  entries.forEach((rows, entry) => {
    order.store.fill(entry, at, at + rows.length);
    order.row.set(rows, at);
    at += rows.length;
  });
  return order;
}

/** Upper limits of the entries' parts of [0, 1); the last is 1 whatever the rounding. */
function cumulative(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight, at) => (at === weights.length - 1 ? 1 : (sum += weight) / total));
}

/** Uniform numbers of the mixture, in blocks. */
class Draws {
  #block: Uint32Array = new Uint32Array(0);
  #at = 0;
  #blocks = 0;

  next(): number {
    if (this.#at === this.#block.length) {
      this.#block = randomWords(mixKey('mixture-draw'), String(this.#blocks++), 4096);
      this.#at = 0;
    }
    return this.#block[this.#at++]! / 4294967296;
  }
}
