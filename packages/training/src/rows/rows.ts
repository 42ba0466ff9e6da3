// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Run } from '@llmf/core';
import type { Model } from '@llmf/nn';
import { DataServiceToken, type Batch, type DataRequest, type RowSet, type Sampler } from '../contracts/data.js';
import { trainingHooks } from '../contracts/hooks.js';
import { trainingErrors } from '../training-errors.js';
import { checkLengths } from './check-lengths.js';
import { Feed } from './feed.js';

/** The rows of a run: which of them a step trains on, and sweeps over all of a split without gradients. */
export class Rows {
  readonly stepsPerEpoch: number;

  private constructor(
    readonly train: RowSet,
    readonly evaluation: RowSet | null,
    private readonly sampler: Sampler,
    private readonly feed: Feed,
  ) {
    this.stepsPerEpoch = sampler.stepsPerEpoch;
  }

  /** Opens both splits, through the taps of `datasetReady`; writes the report; registers state `data` and the clean-up. */
  static async open(run: Run, model: Model, request: Omit<DataRequest, 'contextLength'>): Promise<Rows> {
    const service = run.container.resolve(DataServiceToken);
    const opened = await service.open(run, { ...request, contextLength: model.contextLength });
    const splits = { train: opened.train, eval: opened.eval };
    run.hooks.shutdown.tapPromise('data', async () => {
      await splits.train.close();
      await splits.eval?.close();
    });
    const { datasetReady } = trainingHooks(run);
    splits.train = await datasetReady.promise(opened.train, { split: 'train' });
    splits.eval = opened.eval && (await datasetReady.promise(opened.eval, { split: 'eval' }));
    await service.report(run, splits);
    const { batchSize, gradientAccumulation } = run.config.train;
    const sampler = service.sampler(run, { rows: splits.train, rowsPerStep: batchSize * gradientAccumulation });
    const rows = new Rows(splits.train, splits.eval, sampler, new Feed(run, model.vocabularySize));
    for (const split of rows.splits) checkLengths(split, model.contextLength);
    rows.register(run);
    return rows;
  }

  get splits(): readonly RowSet[] {
    return this.evaluation === null ? [this.train] : [this.train, this.evaluation];
  }

  /** The packed microbatches of optimizer step `step` (1-based). */
  async batchesOf(step: number): Promise<Batch[]> {
    return await this.feed.batches(this.train, this.sampler.indices(step), { split: 'train', step });
  }

  /** Every row of a split once, in order. */
  sweep(split: RowSet): AsyncGenerator<Batch> {
    return this.feed.sweep(split, split === this.train ? 'train' : 'eval');
  }

  /** A checkpoint goes on with the rows it was trained on. */
  private register(run: Run): void {
    const { fingerprint, length, dropped } = this.train;
    run.record['data'] = { fingerprint, rows: length, dropped: dropped.length };
    run.state.add('data', {
      save: () => ({ json: { fingerprint } }),
      load: ({ json }) => {
        const before = (json as { fingerprint: string }).fingerprint;
        if (before !== fingerprint) throw trainingErrors.dataChanged({ before, now: fingerprint });
      },
    });
  }
}

/** Lets signals and timers in between the microbatches of a step. */
export async function* unhurried<T>(items: Iterable<T>): AsyncGenerator<T> {
  let isFirst = true;
  for (const item of items) {
    if (!isFirst) await nextTurn();
    isFirst = false;
    yield item;
  }
}
