// SPDX-License-Identifier: Apache-2.0
/**
 * Does the model look? Pairs are scored with their own pictures and with another row's: a model that answers from the
 * picture prefers the right answer with the first and is undecided with the second; one that has only learned which
 * answers sound right scores the same with both.
 *
 *   margin = log π(chosen | picture, prompt) − log π(rejected | picture, prompt), in nats, no reference
 */
import { type Batch, type EncodedRow, batchLogProbs, evaluationMode, Feed, trainingHooks } from '@llmf/training';
import type { Run } from '@llmf/core';
import { AttachedAdapterToken, ModelToken, tf } from '@llmf/nn';
import type { MediaRows } from './rows/media-rows.js';
import { isRowMedia } from './rows/row-media.js';

/** Means over the rows that have pictures and a row to borrow others from; {} where there is no such pair. */
export async function shuffledMargins(run: Run, rows: MediaRows): Promise<Record<string, number>> {
  const own: number[] = [];
  const other: number[] = [];
  const { batchSize } = run.config.train;
  for (let start = 0; start < rows.length; start += batchSize) {
    const indices = Array.from({ length: Math.min(batchSize, rows.length - start) }, (_, at) => start + at);
    const borrowed = (await rows.rowsWithOtherMedia(indices)).filter(isPairWithMedia);
    if (borrowed.length === 0) continue;
    own.push(...(await margins(run, (await rows.rows(borrowed.map(({ index }) => index))).map(withoutContrast))));
    other.push(...(await margins(run, borrowed)));
  }
  if (own.length === 0) return {};
  return {
    'image/margins': mean(own),
    'image/margins_shuffled': mean(other),
    'image/accuracies': mean(own.map(isPreferred)),
    'image/accuracies_shuffled': mean(other.map(isPreferred)),
  };
}

async function margins(run: Run, rows: readonly EncodedRow[]): Promise<number[]> {
  const model = run.container.resolve(ModelToken);
  const mode = evaluationMode(run.container.resolve(AttachedAdapterToken));
  const found: number[] = [];
  for (const batch of await new Feed(run, model).pack(rows, { split: 'other', step: 0 })) {
    const sums = tf.tidy(
      () => batchLogProbs(model, batch, { stats: [], span: 'response' }, mode, trainingHooks(run)).sum,
    );
    const values = await sums.data(); // [R]
    sums.dispose();
    found.push(...perGroup(batch, values));
  }
  return found;
}

function perGroup({ responses, groups }: Batch, sums: ArrayLike<number>): number[] {
  const margin = Array.from({ length: groups }, () => 0);
  responses.role.forEach((role, response) => {
    const sign = role === 'chosen' ? 1 : role === 'rejected' ? -1 : 0;
    margin[responses.group[response]!]! += sign * sums[response]!;
  });
  return margin;
}

const isPairWithMedia = ({ media, responses }: EncodedRow): boolean =>
  responses.some(({ role }) => role === 'chosen') && media.some((entry) => isRowMedia(entry) && entry.plans.length > 0);

function withoutContrast(row: EncodedRow): EncodedRow {
  const media = row.media.map((entry) => {
    if (!isRowMedia(entry)) return entry;
    const { contrast: _, ...own } = entry;
    return own;
  });
  return { ...row, media };
}

const isPreferred = (margin: number) => (margin > 0 ? 1 : 0);
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
