// SPDX-License-Identifier: Apache-2.0
/** [height, width, 3] bytes, row by row, red first. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
