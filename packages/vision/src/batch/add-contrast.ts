// SPDX-License-Identifier: Apache-2.0
import type { Batch, EncodedRow } from '@llmf/training';
import type { MediaPlan } from '../rows/media-plan.js';
import { isRowMedia, type RowMedia } from '../rows/row-media.js';
import type { MediaTokens } from '../tokens/media-tokens.js';
import type { MropePositions } from '../tokens/mrope-positions.js';
import type { BatchMedia } from './batch-media.js';
import { joinBatches, joined } from './join-batches.js';
import { placeMedia } from './place-media.js';

export type LoadedMedia = BatchMedia['media'][number];

/** A batch with positions, and the media that its tokens show. */
export interface MediaBatch {
  readonly batch: Batch;
  readonly plans: readonly MediaPlan[];
  /** [T] row of the media embeddings at each token, −1 for text. */
  readonly sources: Int32Array;
}

/**
 * Positions and media of a packed batch. Rows that bring a contrast along get it as one more response, with a prompt of
 * its own, since what stands behind other media is another context.
 * @param collate packs the contrasts
 */
export function addContrast(
  batch: Batch,
  rows: readonly RowMedia[],
  tokens: MediaTokens,
  tokensOf: (plan: MediaPlan) => number,
  collate: (rows: readonly EncodedRow[]) => Batch,
): MediaBatch {
  const own = placeMedia(batch, rows, tokens, tokensOf);
  const contrasts = rows.flatMap(({ contrast }) => contrast ?? []);
  if (contrasts.length === 0) return { ...own, batch: { ...batch, positions: own.positions } };
  const added = collate(contrasts);
  const other = placeMedia(added, added.media.filter(isRowMedia), tokens, tokensOf);
  const shift = own.plans.reduce((sum, plan) => sum + tokensOf(plan), 0);
  const shifted = other.sources.map((source) => (source < 0 ? source : source + shift));
  const positions = own.positions.map((axis, at) => joined(axis, other.positions[at]!)) as unknown as MropePositions;
  return {
    batch: { ...joinBatches(batch, added), positions, media: batch.media },
    plans: [...own.plans, ...other.plans],
    sources: joined(own.sources, shifted),
  };
}
