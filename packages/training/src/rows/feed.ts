// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import { trainingHooks, type BatchPlace } from '../contracts/hooks.js';
import { DataServiceToken, type Batch, type EncodedRow, type RowSet } from '../contracts/data.js';
import { throwIfStopped, type Run } from '@llmf/core';
import { trainingErrors } from '../training-errors.js';

/** Turns row indices into packed microbatches, through the run's `rowsEncoded` and `batchCollated` hooks. */
export class Feed {
  constructor(
    private readonly run: Run,
    private readonly vocabularySize: number,
  ) {}

  /** Microbatches of `batchSize` rows, split further where a packed row would exceed `maxTokensPerBatch`. */
  async batches(
    rows: RowSet,
    indices: readonly number[],
    place: Omit<BatchPlace, 'microbatch'>,
    first = 0,
  ): Promise<Batch[]> {
    return await this.pack(await this.rows(rows, indices), place, first);
  }

  /** Rows through the taps of `rowsEncoded`, not packed yet. */
  async rows(rows: RowSet, indices: readonly number[]): Promise<EncodedRow[]> {
    return await trainingHooks(this.run).rowsEncoded.promise(await rows.rows(indices));
  }

  /** Rows as microbatches. */
  async pack(encoded: readonly EncodedRow[], place: Omit<BatchPlace, 'microbatch'>, first = 0): Promise<Batch[]> {
    const { batchSize, maxTokensPerBatch } = this.run.config.train;
    const service = this.run.container.resolve(DataServiceToken);
    const batches: Batch[] = [];
    for (const group of service.microbatches(this.run, encoded, batchSize, maxTokensPerBatch)) {
      batches.push(await this.collate(group, { ...place, microbatch: first + batches.length }));
    }
    return batches;
  }

  /**
   * Every row of a split once, in order, `batchSize` at a time; signals and timers are let in between.
   * @throws Stopped when the run was asked to end
   */
  async *sweep(rows: RowSet, split: BatchPlace['split'] = 'other'): AsyncGenerator<Batch> {
    let microbatch = 0;
    for await (const encoded of this.sweepRows(rows)) {
      for (const batch of await this.pack(encoded, { split, step: 0 }, microbatch)) {
        await nextTurn();
        throwIfStopped(this.run);
        microbatch++;
        yield batch;
      }
    }
  }

  /** As `sweep`, not packed yet. */
  async *sweepRows(rows: RowSet): AsyncGenerator<EncodedRow[]> {
    const { batchSize } = this.run.config.train;
    for (let start = 0; start < rows.length; start += batchSize) {
      const indices = Array.from({ length: Math.min(batchSize, rows.length - start) }, (_, i) => start + i);
      yield await this.rows(rows, indices);
    }
  }

  async collate(
    rows: readonly EncodedRow[],
    place: BatchPlace = { split: 'other', step: 0, microbatch: 0 },
  ): Promise<Batch> {
    const batch = this.run.container.resolve(DataServiceToken).collate(this.run, rows);
    this.checkIds(batch);
    return await trainingHooks(this.run).batchCollated.promise(batch, place);
  }

  private checkIds({ ids, rowIndices }: Batch): void {
    const beyond = ids.find((id) => id < 0 || id >= this.vocabularySize);
    if (beyond === undefined) return;
    throw trainingErrors.idBeyondVocabulary({ id: beyond, vocabulary: this.vocabularySize, row: rowIndices[0]! + 1 });
  }
}
