// SPDX-License-Identifier: Apache-2.0
import type { Size } from './smart-resize.js';

/** Pixel limits applied before the checkpoint's own: LLaMA-Factory's `image_max_pixels` and `image_min_pixels`. */
export interface PixelLimits {
  readonly maxPixels: number;
  readonly minPixels: number;
}

/** LLaMA-Factory's defaults: 768² and 32². */
export const llamaFactoryLimits: PixelLimits = { maxPixels: 768 * 768, minPixels: 32 * 32 };

/**
 * The sizes a picture passes through before `smartResize`, each by bicubic resizing, as LLaMA-Factory's Qwen2-VL plugin
 * does it: down to `maxPixels`, up to `minPixels`, each side at least 28, an aspect ratio above 200 brought to 180.
 * (`mm_plugin.py`, commit ff6d4d12e.) Empty when nothing changes. Like there, sides are cut, not rounded.
 */
export function preResizeSteps(size: Size, limits: PixelLimits): Size[] {
  const steps: Size[] = [];
  let current = size;
  const resizeTo = (width: number, height: number) => {
    current = { width, height };
    steps.push(current);
  };
  const area = () => current.width * current.height;
  const scaleTo = (pixels: number) => {
    const factor = Math.sqrt(pixels / area());
    resizeTo(Math.max(1, Math.trunc(current.width * factor)), Math.max(1, Math.trunc(current.height * factor)));
  };
  if (area() > limits.maxPixels) scaleTo(limits.maxPixels);
  if (area() < limits.minPixels) scaleTo(limits.minPixels);
  if (Math.min(current.width, current.height) < 28) resizeTo(Math.max(current.width, 28), Math.max(current.height, 28));
  if (current.width / current.height > 200) resizeTo(current.height * 180, current.height);
  if (current.height / current.width > 200) resizeTo(current.width, current.width * 180);
  return steps;
}
