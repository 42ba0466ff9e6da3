// SPDX-License-Identifier: Apache-2.0
import type { AttentionSpan } from '@llmf/nn';
import type { Grid } from '../processor/patches.js';

/**
 * Row and column of every patch, in the order of `cutPatches` (merge blocks together), every frame alike.
 * @returns [patches, 2]
 */
export function patchPlaces(grids: readonly Grid[], mergeSize: number): Int32Array {
  const total = grids.reduce((sum, { t, h, w }) => sum + t * h * w, 0);
  const places = new Int32Array(total * 2);
  let to = 0;
  for (const { t, h, w } of grids) {
    for (let frame = 0; frame < t; frame++) {
      for (let blockRow = 0; blockRow < h; blockRow += mergeSize) {
        for (let blockColumn = 0; blockColumn < w; blockColumn += mergeSize) {
          for (let inside = 0; inside < mergeSize * mergeSize; inside++) {
            places[to++] = blockRow + Math.floor(inside / mergeSize);
            places[to++] = blockColumn + (inside % mergeSize);
          }
        }
      }
    }
  }
  return places;
}

/** Patches of one frame see each other and nothing else: the length of every frame, in order. */
export const frameLengths = (grids: readonly Grid[]): number[] =>
  grids.flatMap(({ t, h, w }) => Array<number>(t).fill(h * w));

/** Tokens in an order in which those of one window are neighbours, and how many patches each window has. */
export interface Windows {
  /** [tokens] merged token at each place of the windowed order. */
  readonly order: Int32Array;
  /** [tokens] place in the windowed order of each token: the inverse. */
  readonly inverse: Int32Array;
  /** Patches per window, in order. */
  readonly lengths: readonly number[];
}

/**
 * Square windows of `windowTokens` × `windowTokens` merged tokens, cut off at the right and lower edge.
 * Qwen2.5-VL report (arXiv 2502.13923) section 2.1.1: 112 pixels, 8 × 8 patches, 4 × 4 tokens.
 */
export function windowsOf(grids: readonly Grid[], mergeSize: number, windowTokens: number): Windows {
  const order: number[] = [];
  const lengths: number[] = [];
  let first = 0;
  for (const grid of grids) {
    const rows = grid.h / mergeSize;
    const columns = grid.w / mergeSize;
    for (let frame = 0; frame < grid.t; frame++, first += rows * columns) {
      for (let top = 0; top < rows; top += windowTokens) {
        for (let left = 0; left < columns; left += windowTokens) {
          const before = order.length;
          for (let row = top; row < Math.min(rows, top + windowTokens); row++) {
            for (let column = left; column < Math.min(columns, left + windowTokens); column++) {
              order.push(first + row * columns + column);
            }
          }
          lengths.push((order.length - before) * mergeSize * mergeSize);
        }
      }
    }
  }
  const inverse = new Int32Array(order.length);
  order.forEach((token, place) => (inverse[token] = place));
  return { order: Int32Array.from(order), inverse, lengths };
}

/** Neighbouring runs of patches, each of which sees itself only. */
export function spansOf(lengths: readonly number[]): AttentionSpan[] {
  let start = 0;
  return lengths.map((length) => {
    const span = {
      queryStart: start,
      queryLength: length,
      keyStart: start,
      keyLength: length,
      prefixStart: 0,
      prefixLength: 0,
    };
    start += length;
    return span;
  });
}
