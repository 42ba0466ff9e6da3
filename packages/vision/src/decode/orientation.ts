// SPDX-License-Identifier: Apache-2.0
import { swapsSides } from '../header/image-header.js';
import type { RgbImage } from './rgb-image.js';

/** Turns and mirrors a stored picture upright (EXIF 2.32, tag 0x0112): what PIL's `exif_transpose` does. */
export function applyOrientation(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const { width: storedWidth, height: storedHeight } = image;
  const [width, height] = swapsSides(orientation) ? [storedHeight, storedWidth] : [storedWidth, storedHeight];
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = storedPlace(orientation, x, y, storedWidth - 1, storedHeight - 1);
      const from = (row * storedWidth + column) * 3;
      const to = (y * width + x) * 3;
      data[to] = image.data[from]!;
      data[to + 1] = image.data[from + 1]!;
      data[to + 2] = image.data[from + 2]!;
    }
  }
  return { width, height, data };
}

/** Where the upright pixel (x, y) lies in the stored picture; `right` and `bottom` are its last column and row. */
function storedPlace(orientation: number, x: number, y: number, right: number, bottom: number): [number, number] {
  switch (orientation) {
    case 2:
      return [right - x, y];
    case 3:
      return [right - x, bottom - y];
    case 4:
      return [x, bottom - y];
    case 5:
      return [y, x];
    case 6:
      return [y, bottom - x];
    case 7:
      return [right - y, bottom - x];
    case 8:
      return [right - y, x];
    default:
      return [x, y];
  }
}
