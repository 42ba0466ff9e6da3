// SPDX-License-Identifier: Apache-2.0
import type { DroppedRow, EncodedRow, RowPlace, RowSet, RowSource } from '@llmf/training';
import type { TokenStore } from './token-store.js';

/** Which stored row stands at each place of a split. */
export interface RowOrder {
  /** Store of each row. */
  readonly store: Uint16Array;
  /** Row in that store. */
  readonly row: Uint32Array;
}

/** A split: rows of one or more stores in a fixed order. */
export class RowView implements RowSet {
  constructor(
    private readonly stores: readonly TokenStore[],
    private readonly order: RowOrder,
    readonly fingerprint: string,
    readonly dropped: readonly DroppedRow[],
    private readonly release: () => Promise<void>,
  ) {}

  get length(): number {
    return this.order.row.length;
  }

  async rows(indices: readonly number[]): Promise<EncodedRow[]> {
    return indices.map((index) => ({ index, ...this.#storeOf(index).row(this.order.row[index]!) }));
  }

  tokensOf(index: number): number {
    return this.#storeOf(index).tokensOf(this.order.row[index]!);
  }

  longestOf(index: number): number {
    return this.#storeOf(index).longestOf(this.order.row[index]!);
  }

  placeOf(index: number): RowPlace {
    return this.#storeOf(index).placeOf(this.order.row[index]!);
  }

  source(index: number): RowSource {
    return this.#storeOf(index).source(this.order.row[index]!);
  }

  close(): Promise<void> {
    return this.release();
  }

  #storeOf(index: number): TokenStore {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) throw new RangeError(`no row ${index}`);
    return this.stores[this.order.store[index]!]!;
  }
}
