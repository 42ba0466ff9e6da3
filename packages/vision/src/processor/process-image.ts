// SPDX-License-Identifier: Apache-2.0
import { decodeImage, type ExifPolicy } from '../decode/decode-image.js';
import type { RgbImage } from '../decode/rgb-image.js';
import type { ByteSource } from '../header/byte-source.js';
import { readImageHeader, swapsSides, type ImageLimits } from '../header/image-header.js';
import { resizeBicubic } from './bicubic.js';
import { cutPatches, type Grid, type Patches } from './patches.js';
import { preResizeSteps, type PixelLimits } from './pre-resize.js';
import type { ProcessorConfig } from './processor-config.js';
import { smartResize, type Size } from './smart-resize.js';

/** Everything besides the file that decides a picture's patches. */
export interface ImageSettings {
  readonly processor: ProcessorConfig;
  /** Limits applied before the processor's own; null: none. */
  readonly preResize: PixelLimits | null;
  readonly exif: ExifPolicy;
  readonly limits: ImageLimits;
}

/** The sizes a picture of a stored size passes through; the last one is what the tower sees. */
export function resizeSteps(
  size: Size,
  { processor, preResize }: Pick<ImageSettings, 'processor' | 'preResize'>,
): Size[] {
  const steps = preResize === null ? [] : preResizeSteps(size, preResize);
  const factor = processor.patchSize * processor.mergeSize;
  return [...steps, smartResize(steps.at(-1) ?? size, { factor, ...processor })];
}

/** The grid of a picture of this (upright) size. */
export function gridOf(size: Size, settings: Pick<ImageSettings, 'processor' | 'preResize'>): Grid {
  const { width, height } = resizeSteps(size, settings).at(-1)!;
  const { patchSize } = settings.processor;
  return { t: 1, h: height / patchSize, w: width / patchSize };
}

/** The grid from the file's header alone; no pixel is decoded. */
export async function readGrid(source: ByteSource, settings: ImageSettings): Promise<Grid> {
  return gridOf(await readSize(source, settings), settings);
}

/** Width and height as the processor will see them: turned when EXIF is applied. */
export async function readSize(source: ByteSource, { limits, exif }: ImageSettings): Promise<Size> {
  const { width, height, orientation } = await readImageHeader(source, limits);
  return exif === 'apply' && swapsSides(orientation) ? { width: height, height: width } : { width, height };
}

/** Decodes, resizes, normalises and cuts one still picture. */
export async function processImage(source: ByteSource, settings: ImageSettings): Promise<Patches> {
  const image = await decodeImage(source, settings);
  return cutPatches([resizeThrough(image, settings)], settings.processor);
}

/** The picture after every resizing step. */
export function resizeThrough(image: RgbImage, settings: Pick<ImageSettings, 'processor' | 'preResize'>): RgbImage {
  return resizeSteps(image, settings).reduce<RgbImage>(
    (current, { width, height }) => resizeBicubic(current, width, height),
    image,
  );
}
