// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeImage } from '../decode/decode-image.js';
import type { RgbImage } from '../decode/rgb-image.js';
import { visionErrors } from '../errors.js';
import { fileSource, type ByteSource } from '../header/byte-source.js';
import { cutPatches, type Grid, type Patches } from './patches.js';
import { gridOf, readSize, resizeThrough, type ImageSettings } from './process-image.js';

const frameNames = /\.(jpe?g|png|webp|gif)$/i;

/** The frames of a video kept as a folder of images, in the order of the numbers in their names. */
export async function videoFrames(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const reason = `it cannot be read (${(error as Error).message})`;
    throw visionErrors.videoFrames({ folder, reason }, { cause: error });
  }
  const frames = names.filter((name) => frameNames.test(name) && !name.startsWith('.'));
  if (frames.length === 0) throw visionErrors.videoFrames({ folder, reason: 'it holds no images' });
  const inOrder = new Intl.Collator('en', { numeric: true });
  return frames.sort((one, other) => inOrder.compare(one, other)).map((name) => join(folder, name));
}

/** The grid of a video from the header of its first frame; frames are taken in pairs, an odd last one twice. */
export async function readVideoGrid(frames: readonly string[], settings: ImageSettings): Promise<Grid> {
  const size = await withSource(frames[0]!, (source) => readSize(source, settings));
  return { ...gridOf(size, settings), t: Math.ceil(frames.length / settings.processor.temporalPatchSize) };
}

/** At most `count` frames, spread evenly over all from the first on (LLaMA-Factory's way of sampling). */
export function chosenFrames(frames: readonly string[], count: number): readonly string[] {
  if (frames.length <= count) return frames;
  return Array.from(
    { length: count },
    (_, at) => frames[Math.floor((at * (frames.length - 1)) / Math.max(1, count - 1))]!,
  );
}

/** Decodes, resizes and cuts all frames; the caller has chosen them (their rate becomes `secondsPerPatch`). */
export async function processVideo(frames: readonly string[], settings: ImageSettings): Promise<Patches> {
  return cutPatches(await resizedFrames(frames, settings), settings.processor);
}

/** @throws LLMF_VISION_VIDEO_FRAMES when a frame has another size than the first */
export async function resizedFrames(frames: readonly string[], settings: ImageSettings): Promise<RgbImage[]> {
  const images: RgbImage[] = [];
  let first: RgbImage | null = null;
  for (const path of frames) {
    const image = await withSource(path, (source) => decodeImage(source, settings));
    first ??= image;
    if (image.width !== first.width || image.height !== first.height) {
      const sizes = `${path} is ${image.width} × ${image.height}, the first frame ${first.width} × ${first.height}`;
      throw visionErrors.videoFrames({ folder: path, reason: sizes });
    }
    images.push(resizeThrough(image, settings));
  }
  return images;
}

async function withSource<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const source = await fileSource(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}
