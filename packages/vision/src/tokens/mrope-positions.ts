// SPDX-License-Identifier: Apache-2.0
/**
 * Positions of multimodal rope: three indices per token (time, height, width). Text counts on all three; a medium lays
 * out its merged grid from where the text stopped; the text after it goes on behind the largest index.
 * Qwen2-VL report (arXiv 2409.12191) section 2.1, figure 3; Qwen2.5-VL report (arXiv 2502.13923) section 2.1.2 for time.
 */
import { visionErrors } from '../errors.js';
import type { Grid } from '../processor/patches.js';
import { kindOfToken } from './expand-placeholders.js';
import type { MediaKind, MediaTokens } from './media-tokens.js';

/** [3][tokens] */
export type MropePositions = readonly [Int32Array, Int32Array, Int32Array];

/** A medium as positions see it. */
export interface MediaGrid {
  readonly kind: MediaKind;
  readonly grid: Grid;
  /** Seconds that one temporal patch of a video covers (Qwen2.5-VL). */
  readonly secondsPerPatch?: number;
}

export interface MropeOptions {
  readonly tokens: MediaTokens;
  readonly mergeSize: number;
  /** Qwen2.5-VL: time indices of a video run at this rate; null: one per temporal patch (Qwen2-VL). */
  readonly tokensPerSecond: number | null;
  /**
   * Where text goes on after a medium. `max`: behind its largest index, as both reports say. `spatial`: behind its
   * larger side, as Transformers 5.3 to 5.18 does, which differs for videos longer than wide and high.
   */
  readonly continuation?: 'max' | 'spatial';
}

/** Positions of a sequence, the index at which the next token goes on, and how many media it used. */
export interface SequencePositions {
  readonly positions: MropePositions;
  readonly next: number;
  readonly mediaUsed: number;
}

/**
 * @param ids expanded token ids
 * @param media media of the sequence in order; may hold more than it uses
 * @param start index of the first token
 * @throws LLMF_VISION_TOKEN_RUN when a run of pad tokens has another length than its medium
 */
export function mropePositions(
  ids: Int32Array,
  media: readonly MediaGrid[],
  options: MropeOptions,
  start = 0,
): SequencePositions {
  const positions: MropePositions = [
    new Int32Array(ids.length),
    new Int32Array(ids.length),
    new Int32Array(ids.length),
  ];
  let next = start;
  let used = 0;
  for (let at = 0; at < ids.length;) {
    const kind = kindOfToken(ids[at]!, options.tokens);
    if (kind === null) {
      for (const axis of positions) axis[at] = next;
      at += 1;
      next += 1;
      continue;
    }
    const medium = media[used++];
    const run = runLength(ids, at, medium === undefined ? 0 : mergedTokens(medium.grid, options.mergeSize));
    next = placeMedium(positions, at, next, medium!, options);
    at += run;
  }
  return { positions, next, mediaUsed: used };
}

/** Positions of a row: its prompt, and every answer going on from the prompt's end as if it were the only one. */
export interface RowPositions {
  readonly prompt: MropePositions;
  readonly responses: readonly MropePositions[];
}

/**
 * Prompt once, answers apart: each answer restarts behind the prompt's largest index, so that its positions are those
 * of the two-row form. Media are used in order by the prompt, then by each answer (a chat's later turns).
 */
export function rowPositions(
  prompt: Int32Array,
  responses: readonly Int32Array[],
  media: readonly MediaGrid[],
  options: MropeOptions,
): RowPositions {
  const ofPrompt = mropePositions(prompt, media, options);
  let used = ofPrompt.mediaUsed;
  const ofResponses = responses.map((ids) => {
    const { positions, mediaUsed } = mropePositions(ids, media.slice(used), options, ofPrompt.next);
    used += mediaUsed;
    return positions;
  });
  return { prompt: ofPrompt.positions, responses: ofResponses };
}

/** Fills a medium's tokens and gives the index at which the text goes on. */
function placeMedium(
  positions: MropePositions,
  at: number,
  start: number,
  { kind, grid, secondsPerPatch }: MediaGrid,
  { mergeSize, tokensPerSecond, continuation }: MropeOptions,
): number {
  const rows = grid.h / mergeSize;
  const columns = grid.w / mergeSize;
  // Quantised after the multiplication, so that fractions of a second add up.
  const interval = kind === 'video' && tokensPerSecond !== null ? tokensPerSecond * (secondsPerPatch ?? 1) : 1;
  let to = at;
  for (let t = 0; t < grid.t; t++) {
    const time = start + Math.trunc(Math.fround(t * interval));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, to++) {
        positions[0][to] = time;
        positions[1][to] = start + row;
        positions[2][to] = start + column;
      }
    }
  }
  const side = Math.max(rows, columns);
  if (continuation === 'spatial') return start + side;
  return start + Math.max(side, Math.trunc(Math.fround((grid.t - 1) * interval)) + 1);
}

const mergedTokens = (grid: Grid, mergeSize: number) => (grid.t * grid.h * grid.w) / (mergeSize * mergeSize);

function runLength(ids: Int32Array, at: number, expected: number): number {
  let length = 0;
  while (length < expected && ids[at + length] === ids[at]) length += 1;
  if (length === expected && expected > 0) return length;
  while (ids[at + length] === ids[at]) length += 1;
  throw visionErrors.tokenRun({ at, got: length, expected });
}
