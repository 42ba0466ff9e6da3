// SPDX-License-Identifier: Apache-2.0
import { DataServiceToken, type Batch, type EncodedRow, type RowSet, type Run } from '@llmf/core';
import { trainingErrors } from './training-errors.js';

/** Turns row indices into packed microbatches, through the run's `rowsEncoded` and `batchCollated` hooks. */
export class Feed {
  constructor(
    private readonly run: Run,
    private readonly vocabularySize: number,
  ) {}

  /** Microbatches of `batchSize` rows, split further where a packed row would exceed `maxTokensPerBatch`. */
  async batches(rows: RowSet, indices: readonly number[]): Promise<Batch[]> {
    const { batchSize, maxTokensPerBatch } = this.run.config.train;
    const encoded = await this.run.hooks.rowsEncoded.promise(await rows.rows(indices));
    const batches: Batch[] = [];
    for (const group of microbatches(encoded, batchSize, maxTokensPerBatch)) batches.push(await this.collate(group));
    return batches;
  }

  async collate(rows: readonly EncodedRow[]): Promise<Batch> {
    const batch = this.run.container.resolve(DataServiceToken).collate(this.run, rows);
    this.checkIds(batch);
    return await this.run.hooks.batchCollated.promise(batch);
  }

  private checkIds({ ids, rowIndices }: Batch): void {
    const beyond = ids.find((id) => id < 0 || id >= this.vocabularySize);
    if (beyond === undefined) return;
    throw trainingErrors.idBeyondVocabulary({ id: beyond, vocabulary: this.vocabularySize, row: rowIndices[0]! + 1 });
  }
}

/** Consecutive groups of at most `batchSize` rows and, when set, at most `maxTokens` tokens (a longer row goes alone). */
export function microbatches(rows: readonly EncodedRow[], batchSize: number, maxTokens: number | null): EncodedRow[][] {
  const groups: EncodedRow[][] = [];
  let tokens = Infinity;
  for (const row of rows) {
    const length = row.prompt.length + row.responses.reduce((sum, { ids }) => sum + ids.length, 0);
    const last = groups.at(-1);
    if (last !== undefined && last.length < batchSize && tokens + length <= (maxTokens ?? Infinity)) {
      last.push(row);
      tokens += length;
    } else {
      groups.push([row]);
      tokens = length;
    }
  }
  return groups;
}
