// SPDX-License-Identifier: Apache-2.0
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkEvaluated, readSection, unevaluated, type Run } from '@llmf/core';
import type { Model } from '@llmf/nn';
import {
  dataSection,
  DataServiceToken,
  defaultMaxLength,
  type Batch,
  type DataRequest,
  type EncodedRow,
  type PassLimits,
  type RowSet,
  type Sampler,
} from '../contracts/data.js';
import { trainingHooks, type BatchPlace } from '../contracts/hooks.js';
import type { LossNeeds } from '../contracts/loss.js';
import { trainingErrors } from '../training-errors.js';
import { checkLengths } from './check-lengths.js';
import { Feed, type RowChanges } from './feed.js';
import { withMismatched } from './mismatched-rows.js';

export interface RowsRequest extends Omit<DataRequest, 'contextLength'> {
  /** Tokens that answers still to be written will take, which a row must leave of the model's context; default 0. */
  readonly room?: number;
  /** Every row gets the answer of another one too. */
  readonly mismatched?: boolean;
  /** Do a loss's items depend on their batch? Default `item`. */
  readonly coupling?: LossNeeds['coupling'];
  readonly changes?: RowChanges;
}

/** The rows of a run: which of them a step trains on, and sweeps over all of a split without gradients. */
export class Rows {
  readonly stepsPerEpoch: number;

  private constructor(
    readonly train: RowSet,
    readonly evaluation: RowSet | null,
    private readonly sampler: Sampler,
    private readonly feed: Feed,
    private readonly room: number,
    private readonly rowsPerStep: number,
    private readonly task?: string,
  ) {
    this.stepsPerEpoch = sampler.stepsPerEpoch;
  }

  /** Opens both splits, through the taps of `datasetReady`; writes the report; registers state `data` and the clean-up. */
  static async open(run: Run, model: Model, wanted: RowsRequest): Promise<Rows> {
    const { room = 0, mismatched = false, coupling = 'item', changes = {}, ...request } = wanted;
    const service = run.container.resolve(DataServiceToken);
    const contextLength = model.contextLength - room;
    if (contextLength < 1) throw trainingErrors.noRoom({ room, context: model.contextLength });
    const opened = await service.open(run, {
      ...request,
      contextLength,
      wholePrompts: model.decoderStart !== undefined,
    });
    const splits = { train: opened.train, eval: opened.eval };
    run.hooks.shutdown.tapPromise(named('data', request.task), async () => {
      await splits.train.close();
      await splits.eval?.close();
    });
    const { datasetReady } = trainingHooks(run);
    splits.train = await datasetReady.promise(opened.train, { split: 'train' });
    splits.eval = opened.eval && (await datasetReady.promise(opened.eval, { split: 'eval' }));
    if (request.task === undefined) checkHeldOut(run, [splits.eval]);
    await service.report(run, splits, request.task);
    if (mismatched) {
      const maxLength = readSection(run.config, dataSection).maxLength ?? defaultMaxLength(contextLength);
      const pairing = { batchSize: run.config.train.batchSize, maxLength };
      splits.train = withMismatched(splits.train, pairing);
      splits.eval = splits.eval && withMismatched(splits.eval, pairing);
    }
    const { batchSize, gradientAccumulation } = run.config.train;
    const rowsPerStep = batchSize * gradientAccumulation;
    const sampler = service.sampler(run, { rows: splits.train, rowsPerStep });
    const feed = new Feed(run, model, { coupling, changes });
    const rows = new Rows(splits.train, splits.eval, sampler, feed, room, rowsPerStep, request.task);
    for (const split of rows.splits) checkLengths(split, contextLength);
    rows.register(run);
    return rows;
  }

  get splits(): readonly RowSet[] {
    return this.evaluation === null ? [this.train] : [this.train, this.evaluation];
  }

  /** What a pass of a step or a sweep holds at most. */
  get passLimits(): PassLimits {
    return this.feed.limits;
  }

  /** Tokens that no pass is longer than, as it is packed: of rows as they are, or with the room for answers still to be written. */
  get mostTokens(): number {
    const { tokens, rows } = this.feed.limits;
    let longest = 0;
    for (let index = 0; index < this.train.length; index++) longest = Math.max(longest, this.train.tokensOf(index));
    longest += this.room;
    return Math.max(longest, Math.min(tokens ?? Infinity, longest * (rows ?? this.rowsPerStep)));
  }

  /** The passes of optimizer step `step` (1-based). */
  async batchesOf(step: number): Promise<Batch[]> {
    return await this.feed.batches(this.train, this.sampler.indices(step), { split: 'train', step });
  }

  /** The rows of optimizer step `step` before they are packed; of a stage that writes their answers itself. */
  async rowsOf(step: number): Promise<EncodedRow[]> {
    return await this.feed.rows(this.train, this.sampler.indices(step), { split: 'train', step });
  }

  /** Rows of the training split by their places in it, as `rowsOf` gives them. */
  async rowsAt(places: readonly number[], step: number): Promise<EncodedRow[]> {
    return await this.feed.rows(this.train, places, { split: 'train', step });
  }

  /** The passes of rows that `rowsOf` or `sweepRows` gave, with answers that were written since. */
  async pack(rows: readonly EncodedRow[], place: Omit<BatchPlace, 'microbatch'>): Promise<Batch[]> {
    return await this.feed.pack(rows, place);
  }

  /** Every row of a split once, in order, `train.batchSize` at a time, before they are packed. */
  sweepRows(split: RowSet): AsyncGenerator<EncodedRow[]> {
    return this.feed.sweepRows(split);
  }

  /** Every row of a split once, in order. */
  sweep(split: RowSet): AsyncGenerator<Batch> {
    return this.feed.sweep(split, split === this.train ? 'train' : 'eval');
  }

  /** A checkpoint goes on with the rows it was trained on. */
  private register(run: Run): void {
    const { fingerprint, length, dropped } = this.train;
    run.record[named('data', this.task)] = { fingerprint, rows: length, dropped: dropped.length };
    const now = { fingerprint, evaluation: this.evaluation?.fingerprint ?? null };
    run.state.add(named('data', this.task), {
      save: () => ({ json: now }),
      load: ({ json }) => {
        const before = json as typeof now;
        for (const part of ['fingerprint', 'evaluation'] as const) {
          if (before[part] === now[part]) continue;
          throw trainingErrors.dataChanged({ before: before[part] ?? 'none', now: now[part] ?? 'none' });
        }
      },
    });
  }
}

const named = (name: string, task: string | undefined): string => (task === undefined ? name : `${name}/${task}`);

/**
 * Where no split holds out a row, what waits for evaluations is refused, and what asks for them is said.
 * @throws LLMF_CORE_METRIC_ABSENT
 */
export function checkHeldOut({ config, logger }: Run, splits: readonly (RowSet | null)[]): void {
  if (splits.some((split) => (split?.length ?? 0) > 0)) return;
  checkEvaluated(config.train);
  const line = unevaluated(config);
  if (line !== null) logger.warn(line);
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
