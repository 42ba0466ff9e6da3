// SPDX-License-Identifier: Apache-2.0
import type { RgbImage } from '../decode/rgb-image.js';
import type { ProcessorConfig } from './processor-config.js';

/** Patches along time, height and width; tokens are a merge block of patches each. */
export interface Grid {
  readonly t: number;
  readonly h: number;
  readonly w: number;
}

/** Pictures ready for the vision tower. */
export interface Patches {
  readonly grid: Grid;
  /** [t · h · w, channels · temporal · patch · patch], 1176 values per patch for Qwen2-VL. */
  readonly values: Float32Array;
}

type PatchShape = Pick<ProcessorConfig, 'patchSize' | 'temporalPatchSize' | 'mergeSize' | 'mean' | 'std'>;

export const patchCount = ({ t, h, w }: Grid): number => t * h * w;
/** Language-model tokens of a grid. */
export const tokenCount = (grid: Grid, mergeSize: number): number => patchCount(grid) / (mergeSize * mergeSize);

/**
 * Cuts frames of one size (sides multiples of patch × merge size) into normalised patches, in the order in which merge
 * blocks are neighbours: (t, h/m, w/m, m, m), each patch as (channel, frame, row, column). Missing frames of the last
 * temporal patch repeat the last one.
 */
export function cutPatches(frames: readonly RgbImage[], shape: PatchShape): Patches {
  const { patchSize, temporalPatchSize, mergeSize } = shape;
  const { width, height } = frames[0]!;
  const grid = { t: Math.ceil(frames.length / temporalPatchSize), h: height / patchSize, w: width / patchSize };
  const tables = normalisationTables(shape);
  const values = new Float32Array(patchCount(grid) * 3 * temporalPatchSize * patchSize * patchSize);
  let to = 0;
  for (let t = 0; t < grid.t; t++) {
    for (let blockRow = 0; blockRow < grid.h; blockRow += mergeSize) {
      for (let blockColumn = 0; blockColumn < grid.w; blockColumn += mergeSize) {
        for (let row = blockRow; row < blockRow + mergeSize; row++) {
          for (let column = blockColumn; column < blockColumn + mergeSize; column++) {
            to = writePatch(t, row * patchSize, column * patchSize, to);
          }
        }
      }
    }
  }
  return { grid, values };

  function writePatch(t: number, top: number, left: number, start: number): number {
    let place = start;
    for (let channel = 0; channel < 3; channel++) {
      const table = tables[channel]!;
      for (let step = 0; step < temporalPatchSize; step++) {
        const { data } = frames[Math.min(t * temporalPatchSize + step, frames.length - 1)]!;
        for (let y = top; y < top + patchSize; y++) {
          let from = (y * width + left) * 3 + channel;
          for (let x = 0; x < patchSize; x++, from += 3) values[place++] = table[data[from]!]!;
        }
      }
    }
    return place;
  }
}

/**
 * Normalised value of each byte, per channel: the byte times 1/255 in double precision, rounded to float32, then mean
 * and standard deviation in float32, each step rounded. The order of Transformers' NumPy path (5.18).
 */
function normalisationTables({ mean, std }: PatchShape): Float32Array[] {
  return [0, 1, 2].map((channel) => {
    const [m, s] = [Math.fround(mean[channel]!), Math.fround(std[channel]!)];
    return Float32Array.from({ length: 256 }, (_, byte) => {
      const rescaled = Math.fround(byte * (1 / 255));
      return Math.fround(Math.fround(rescaled - m) / s);
    });
  });
}
