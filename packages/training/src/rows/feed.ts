// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import { trainingHooks, type BatchPlace, type RowsPlace } from '../contracts/hooks.js';
import { DataServiceToken, type Batch, type EncodedRow, type PassLimits, type RowSet } from '../contracts/data.js';
import type { LossNeeds } from '../contracts/loss.js';
import { throwIfStopped, type Run } from '@llmf/core';
import type { Model } from '@llmf/nn';
import { trainingErrors } from '../training-errors.js';
import { tokensPerPass } from './tokens-per-pass.js';

/** Rows of a sweep are read for so many passes at a time, which are about equally long. */
const passesAhead = 4;

/** What a stage makes of its rows: pure functions of a row or batch and where it stands. */
export interface RowChanges {
  row?(row: EncodedRow, place: RowsPlace): EncodedRow;
  batch?(batch: Batch, place: BatchPlace): Batch;
}

export interface FeedOptions {
  /** `batch`: rows go through the model in batches of `train.batchSize`, not by tokens. */
  readonly coupling?: LossNeeds['coupling'];
  /** Those of the rows' stage, after the hooks'. */
  readonly changes?: RowChanges;
}

const elsewhere: RowsPlace = { split: 'other', step: 0 };

/** Turns row indices into packed microbatches, through the run's `rowsEncoded` and `batchCollated` hooks. */
export class Feed {
  readonly limits: PassLimits;
  private readonly changes: RowChanges;

  constructor(
    private readonly run: Run,
    private readonly model: Pick<
      Model,
      'vocabularySize' | 'decoderStart' | 'linears' | 'targets' | 'blocks' | 'hiddenSize' | 'parameters'
    >,
    { coupling = 'item', changes = {} }: FeedOptions = {},
  ) {
    this.changes = changes;
    this.limits =
      coupling === 'batch'
        ? { rows: run.config.train.batchSize, tokens: null }
        : { rows: null, tokens: tokensPerPass(run, model) };
  }

  /** The passes of some rows, of at most `train.tokensPerPass` tokens each. */
  async batches(
    rows: RowSet,
    indices: readonly number[],
    place: Omit<BatchPlace, 'microbatch'>,
    first = 0,
  ): Promise<Batch[]> {
    return await this.pack(await this.rows(rows, indices, place), place, first);
  }

  /** Rows through the taps of `rowsEncoded`, not packed yet. */
  async rows(rows: RowSet, indices: readonly number[], place: RowsPlace = elsewhere): Promise<EncodedRow[]> {
    const encoded = await trainingHooks(this.run).rowsEncoded.promise(await rows.rows(indices), place);
    return this.changes.row === undefined ? encoded : encoded.map((row) => this.changes.row!(row, place));
  }

  /** Rows as passes. */
  async pack(encoded: readonly EncodedRow[], place: Omit<BatchPlace, 'microbatch'>, first = 0): Promise<Batch[]> {
    const service = this.run.container.resolve(DataServiceToken);
    const batches: Batch[] = [];
    for (const group of service.passes(this.run, encoded, this.limits, this.model)) {
      batches.push(await this.collate(group, { ...place, microbatch: first + batches.length }));
    }
    return batches;
  }

  /**
   * Every row of a split once, in order, in passes as those of a step; signals and timers are let in between.
   * @throws Stopped when the run was asked to end
   */
  async *sweep(rows: RowSet, split: BatchPlace['split'] = 'other'): AsyncGenerator<Batch> {
    let microbatch = 0;
    for (const indices of this.chunks(rows)) {
      for (const batch of await this.batches(rows, indices, { split, step: 0 }, microbatch)) {
        await nextTurn();
        throwIfStopped(this.run);
        microbatch++;
        yield batch;
      }
    }
  }

  /** The rows of a split in order, some passes' at a time. */
  private *chunks(rows: RowSet): Generator<number[]> {
    const most = passesAhead * (this.limits.tokens ?? Infinity);
    const mostRows = this.limits.rows ?? Infinity;
    let [chunk, tokens] = [[] as number[], 0];
    for (let index = 0; index < rows.length; index++) {
      const length = rows.tokensOf(index);
      if (chunk.length === mostRows || (chunk.length > 0 && tokens + length > most)) {
        yield chunk;
        [chunk, tokens] = [[], 0];
      }
      chunk.push(index);
      tokens += length;
    }
    if (chunk.length > 0) yield chunk;
  }

  /** Every row of a split once, in order, `train.batchSize` at a time, not packed yet. */
  async *sweepRows(rows: RowSet, split: BatchPlace['split'] = 'other'): AsyncGenerator<EncodedRow[]> {
    const { batchSize } = this.run.config.train;
    for (let start = 0; start < rows.length; start += batchSize) {
      const indices = Array.from({ length: Math.min(batchSize, rows.length - start) }, (_, i) => start + i);
      yield await this.rows(rows, indices, { split, step: 0 });
    }
  }

  async collate(
    rows: readonly EncodedRow[],
    place: BatchPlace = { split: 'other', step: 0, microbatch: 0 },
  ): Promise<Batch> {
    const batch = this.run.container.resolve(DataServiceToken).collate(this.run, rows, this.model);
    this.checkIds(batch);
    const collated = await trainingHooks(this.run).batchCollated.promise(batch, place);
    return this.changes.batch?.(collated, place) ?? collated;
  }

  private checkIds({ ids, rowIndices }: Batch): void {
    const { vocabularySize: vocabulary } = this.model;
    const beyond = ids.find((id) => id < 0 || id >= vocabulary);
    if (beyond === undefined) return;
    throw trainingErrors.idBeyondVocabulary({ id: beyond, vocabulary, row: rowIndices[0]! + 1 });
  }
}
