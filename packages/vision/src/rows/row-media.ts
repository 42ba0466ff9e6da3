// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow } from '@llmf/training';
import type { RowPositions } from '../tokens/mrope-positions.js';
import type { MediaPlan } from './media-plan.js';

const mark = Symbol.for('llmf:row-media');

/** What an encoded row carries in `media`: its pictures and films, and where its tokens stand in multimodal rope. */
export interface RowMedia {
  readonly [mark]: true;
  /** In the order of their tokens: the prompt's, then each answer's. */
  readonly plans: readonly MediaPlan[];
  /** How many of them the prompt uses, then each answer. */
  readonly uses: readonly number[];
  readonly positions: RowPositions;
  /** The row's prompt and chosen answer (role `contrast`) with other media, where a loss compares with them. */
  readonly contrast?: EncodedRow;
}

export const rowMedia = (facts: Omit<RowMedia, typeof mark>): RowMedia => ({ [mark]: true, ...facts });

export const isRowMedia = (value: unknown): value is RowMedia =>
  typeof value === 'object' && value !== null && mark in value;
