// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { permutation } from '@llmf/core';
import { errors } from '../errors.js';
import type { DataOptions } from '../options.js';
import type { Source } from '../sources/source.js';
import { mix } from './mixture.js';
import { RowView, type RowOrder } from './row-view.js';
import type { TokenStore } from './token-store.js';

export interface ArrangedData {
  readonly train: RowView;
  readonly eval: RowView | null;
}

/** One entry of the config with its tokens. */
export interface Entry {
  readonly source: Source;
  readonly store: TokenStore;
  readonly fingerprint: string;
  /** Stored rows that the entry gives, in order, repeats included. */
  readonly rows: Uint32Array;
}

/** Holds out, mixes and limits. */
export function arrange(
  train: readonly Entry[],
  evaluation: readonly Entry[] | null,
  options: DataOptions,
  shared: SharedStores,
): ArrangedData {
  const heldOut = options.eval !== null && !Array.isArray(options.eval) ? holdOut(train, options.eval.split) : null;
  const weights = train.map(({ source }) => source.weight ?? 1);
  const kept = train.map(({ rows }, at) => heldOut?.kept[at] ?? rows);
  if (kept.some(({ length }) => length === 0) && options.mixture !== 'concat') {
    throw errors.splitTooLarge({ split: (options.eval as { split: number }).split, rows: kept[0]!.length });
  }
  const { mixture, shuffle, maxEvalSamples } = options;
  const order = mix(kept, { mixture, weights, shuffle });
  const view = (entries: readonly Entry[], rows: RowOrder, isHeldOut = false) => {
    const stores = entries.map(({ store }) => store);
    // What was dropped of held-out rows is told with the training rows they come from.
    const dropped = isHeldOut ? [] : stores.flatMap(({ facts }) => facts.dropped);
    return new RowView(stores, rows, fingerprintOf(entries, rows), dropped, shared.use());
  };
  const limited = (rows: RowOrder): RowOrder => ({
    store: rows.store.slice(0, maxEvalSamples ?? undefined),
    row: rows.row.slice(0, maxEvalSamples ?? undefined),
  });
  const concat = (rows: readonly Uint32Array[]) => mix(rows, { mixture: 'concat', weights: [], shuffle: false });
  const held = heldOut === null ? null : view(train, limited(concat(heldOut.out)), true);
  const own = evaluation === null ? null : view(evaluation, limited(concat(evaluation.map(({ rows }) => rows))));
  return { train: view(train, order), eval: own ?? held };
}

/** Draws the held-out rows over all entries; the same rows for every seed, so that runs compare. */
function holdOut(entries: readonly Entry[], split: number): { kept: Uint32Array[]; out: Uint32Array[] } {
  const total = entries.reduce((sum, { store }) => sum + store.length, 0);
  const count = split < 1 ? Math.round(split * total) : Math.floor(split);
  if (count < 1 || count >= total) throw errors.splitTooLarge({ split, rows: total });
  const order = permutation({ seed: 0, stream: 'hold-out', step: 0, microbatch: 0 }, 'rows', total);
  const isOut = new Uint8Array(total);
  for (const row of order.slice(0, count)) isOut[row] = 1;
  let start = 0;
  const kept: Uint32Array[] = [];
  const out: Uint32Array[] = [];
  for (const { rows, store } of entries) {
    const first = start;
    kept.push(rows.filter((row) => isOut[first + row] === 0));
    out.push(Uint32Array.from({ length: store.length }, (_, row) => row).filter((row) => isOut[first + row] === 1));
    start += store.length;
  }
  return { kept, out };
}

function fingerprintOf(entries: readonly Entry[], { store, row }: RowOrder): string {
  const hash = createHash('sha256').update(JSON.stringify(entries.map(({ fingerprint }) => fingerprint)));
  for (const part of [store, row]) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
}

/** Both splits may read the same stores: the last view to close closes them. */
export class SharedStores {
  #users = 0;
  constructor(
    private readonly stores: readonly TokenStore[],
    private readonly remove: () => Promise<void>,
  ) {}

  /** One view's right to the stores; gives what releases it, once. */
  use(): () => Promise<void> {
    this.#users++;
    let isReleased = false;
    return async () => {
      if (isReleased || ((isReleased = true), --this.#users > 0)) return;
      await Promise.all(this.stores.map((store) => store.close()));
      await this.remove();
    };
  }
}
