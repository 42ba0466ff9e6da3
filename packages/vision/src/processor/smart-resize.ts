// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface SmartResizeOptions {
  /** Both sides become multiples of this: patch size × merge size. */
  readonly factor: number;
  readonly minPixels: number;
  readonly maxPixels: number;
}

/**
 * The size at which Qwen2-VL sees a picture: sides rounded to multiples of `factor`, the area brought between
 * `minPixels` and `maxPixels`, the aspect ratio kept as well as that allows.
 * Qwen2-VL report (arXiv 2409.12191) section 2.1; Transformers 5.18 `smart_resize`, whose arithmetic this follows,
 * rounding halves to even.
 * @throws LLMF_VISION_ASPECT_RATIO above 200
 */
export function smartResize({ width, height }: Size, { factor, minPixels, maxPixels }: SmartResizeOptions): Size {
  if (Math.max(width, height) / Math.min(width, height) > 200) throw visionErrors.aspectRatio({ width, height });
  const rounded = (side: number) => roundHalfEven(side / factor) * factor;
  const area = rounded(width) * rounded(height);
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels);
    const down = (side: number) => Math.max(factor, Math.floor(side / shrink / factor) * factor);
    return { width: down(width), height: down(height) };
  }
  if (area < minPixels) {
    const grow = Math.sqrt(minPixels / (height * width));
    const up = (side: number) => Math.ceil((side * grow) / factor) * factor;
    return { width: up(width), height: up(height) };
  }
  return { width: rounded(width), height: rounded(height) };
}

/** Python's `round`: 0.5 → 0, 1.5 → 2, 2.5 → 2. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
