// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import type { RgbImage } from '../decode/rgb-image.js';
import { resizeBicubic } from '../processor/bicubic.js';
import type { Crop, MediaPlan } from './media-plan.js';

/**
 * What an answer is contrasted with. crop: a small part of its own picture, enlarged to the same size (mDPO, Wang et al.
 * 2024, arXiv:2406.11839, section 3.2: at most 20 % of it is kept); other: another row's pictures.
 */
export type Contrast = 'crop' | 'other';

const largestShare = 0.2;

/** Every medium cut down to a random part; the same one whenever the same row is asked for. */
export function croppedMedia(media: readonly MediaPlan[], row: number, seed: number): MediaPlan[] {
  const draws = uniforms({ seed, stream: 'contrast', step: row, microbatch: 0 }, 'crop', 4 * media.length);
  return media.map((plan, at) => ({ ...plan, crop: randomCrop(draws.subarray(4 * at, 4 * at + 4)) }));
}

/** Up to a fifth of the area, of an aspect between 3 : 4 and 4 : 3 of the picture's. */
function randomCrop([area, aspect, left, top]: Float32Array): Crop {
  const share = largestShare * (1 - area!); // (0, 0.2]
  const ratio = (4 / 3) ** (2 * aspect! - 1);
  const width = Math.sqrt(share * ratio);
  const height = Math.sqrt(share / ratio);
  return { left: left! * (1 - width), top: top! * (1 - height), width, height };
}

/** A part of a picture at the size of the whole. */
export function enlarged({ width, height, data }: RgbImage, crop: Crop): RgbImage {
  const columns = Math.max(1, Math.round(crop.width * width));
  const rows = Math.max(1, Math.round(crop.height * height));
  const left = Math.min(width - columns, Math.round(crop.left * width));
  const top = Math.min(height - rows, Math.round(crop.top * height));
  const part = new Uint8Array(columns * rows * 3);
  for (let row = 0; row < rows; row++) {
    const start = ((top + row) * width + left) * 3;
    part.set(data.subarray(start, start + columns * 3), row * columns * 3);
  }
  return resizeBicubic({ width: columns, height: rows, data: part }, width, height);
}
