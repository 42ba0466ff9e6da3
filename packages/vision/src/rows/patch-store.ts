// SPDX-License-Identifier: Apache-2.0
import { ifThere, isThereSync, makeFolder, readBytes, removeLeftoversOnce, temporaryName } from '@llmf/core';
import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeImage } from '../decode/decode-image.js';
import type { RgbImage } from '../decode/rgb-image.js';
import { visionErrors } from '../errors.js';
import { mediaReference } from '../media/media-reference.js';
import { openMedia, type MediaAccess } from '../media/open-media.js';
import { framePaths } from '../media/video-frames.js';
import { resizeThrough, type ImageSettings } from '../processor/process-image.js';
import { chosenFrames, resizedFrames } from '../processor/process-video.js';
import { enlarged } from './contrast-media.js';
import { limitedSettings, type MediaPlan, type PerKind } from './media-plan.js';

const version = 1;
const headBytes = 16; // version, frames, width, height

export interface PatchStoreOptions {
  /** Resized pictures are kept here; null: decoded each time. */
  readonly folder: string | null;
  /** Bytes of resized pictures kept in memory. */
  readonly memoryBytes: number;
}

/**
 * Resized media, each picture decoded once: the latest in memory, all on disk. Kept as bytes, an eighth of the float
 * patches that `cutPatches` makes of them by table look-up when a batch is embedded.
 */
export class PatchStore {
  readonly #memory = new Map<string, readonly RgbImage[]>();
  #memoryBytes = 0;
  /** A picture that a batch shows twice (whole and as a contrast) is decoded once. */
  readonly #loading = new Map<string, Promise<readonly RgbImage[]>>();
  /** Pictures and films that were decoded rather than found. */
  decoded = 0;

  constructor(
    private readonly settings: PerKind<ImageSettings>,
    private readonly options: PatchStoreOptions,
  ) {}

  /** The medium's frames at the size the tower sees. @throws every coded error of opening and decoding */
  async frames(plan: MediaPlan, access: MediaAccess): Promise<readonly RgbImage[]> {
    const frames = await this.#whole(plan, access);
    const { crop } = plan;
    return crop === undefined ? frames : frames.map((frame) => enlarged(frame, crop));
  }

  /** Decodes the medium unless that was done. @throws every coded error of opening and decoding */
  async prepare(plan: MediaPlan, access: MediaAccess): Promise<void> {
    const file = this.#file(this.#key(plan));
    if (file === null || !isThereSync(file)) await this.#whole(plan, access);
  }

  async #whole(plan: MediaPlan, access: MediaAccess): Promise<readonly RgbImage[]> {
    const key = this.#key(plan);
    const remembered = this.#memory.get(key);
    if (remembered !== undefined) {
      this.#memory.delete(key);
      this.#memory.set(key, remembered); // the latest used stands last
      return remembered;
    }
    const loading = this.#loading.get(key) ?? this.#load(key, plan, access);
    this.#loading.set(key, loading);
    try {
      return await loading;
    } finally {
      this.#loading.delete(key);
    }
  }

  async #load(key: string, plan: MediaPlan, access: MediaAccess): Promise<readonly RgbImage[]> {
    const file = this.#file(key);
    const kept = file === null ? null : await readFrames(file);
    const frames = kept ?? (await this.#decode(plan, access));
    if (kept === null && file !== null) await writeFrames(file, frames);
    this.#remember(key, frames);
    return frames;
  }

  async #decode(plan: MediaPlan, access: MediaAccess): Promise<RgbImage[]> {
    this.decoded += 1;
    const settings = limitedSettings(this.settings[plan.kind], plan.maxPixels);
    const own = { ...access, folder: plan.folder };
    if (plan.kind === 'video') {
      return resizedFrames(chosenFrames(await framePaths(plan.value, own), plan.frames), settings);
    }
    const source = await openMedia(mediaReference(plan.value), own);
    try {
      const image = await decodeImage(source, settings);
      if (image.width !== plan.size.width || image.height !== plan.size.height)
        throw visionErrors.mediaChanged({ where: typeof plan.value === 'string' ? plan.value : plan.kind });
      return [resizeThrough(image, settings)];
    } finally {
      await source.close();
    }
  }

  /** Everything the resized bytes depend on. */
  #key({ kind, identity, maxPixels, frames }: MediaPlan): string {
    const { processor, preResize, exif } = this.settings[kind];
    const { patchSize, mergeSize, minPixels } = processor;
    const limit = Math.min(maxPixels ?? Infinity, processor.maxPixels);
    const facts = [version, identity, frames, patchSize * mergeSize, minPixels, limit, preResize, exif];
    return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 40);
  }

  #file(key: string): string | null {
    const { folder } = this.options;
    return folder === null ? null : join(folder, key.slice(0, 2), `${key}.rgb`);
  }

  #remember(key: string, frames: readonly RgbImage[]): void {
    this.#memory.set(key, frames);
    this.#memoryBytes += bytesOf(frames);
    for (const [oldest, held] of this.#memory) {
      if (this.#memoryBytes <= this.options.memoryBytes || oldest === key) break;
      this.#memory.delete(oldest);
      this.#memoryBytes -= bytesOf(held);
    }
  }
}

const bytesOf = (frames: readonly RgbImage[]) => frames.reduce((sum, { data }) => sum + data.length, 0);

/** null when it is not there or not whole. */
async function readFrames(file: string): Promise<RgbImage[] | null> {
  const bytes = await ifThere(readBytes(file));
  if (bytes === null || bytes.length < headBytes) return null;
  const [stored, count, width, height] = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  const frameBytes = width * height * 3;
  if (stored !== version || bytes.length !== headBytes + count * frameBytes) return null;
  return Array.from({ length: count }, (_, frame) => {
    const start = headBytes + frame * frameBytes;
    return { width, height, data: new Uint8Array(bytes.subarray(start, start + frameBytes)) };
  });
}

async function writeFrames(file: string, frames: readonly RgbImage[]): Promise<void> {
  const { width, height } = frames[0]!;
  const head = Buffer.alloc(headBytes);
  [version, frames.length, width, height].forEach((value, at) => head.writeUInt32LE(value, at * 4));
  makeFolder(dirname(file));
  await removeLeftoversOnce(dirname(file));
  const temporary = temporaryName(file);
  await writeFile(temporary, Buffer.concat([head, ...frames.map(({ data }) => data)]));
  await rename(temporary, file);
}
