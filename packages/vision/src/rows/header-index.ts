// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder, writeFileAtomic } from '@llmf/core';
import type { ByteSource } from '../header/byte-source.js';
import { endsWhole } from '../header/ends-whole.js';
import { readImageHeader, swapsSides, type ImageLimits } from '../header/image-header.js';
import { mediaReference } from '../media/media-reference.js';
import { insideFolder, openMedia, type MediaAccess } from '../media/open-media.js';
import { decodeImage, type ExifPolicy } from '../decode/decode-image.js';
import type { Size } from '../processor/smart-resize.js';

/** What is known of a file without decoding it. */
export interface KnownImage {
  /** Upright size. */
  readonly size: Size;
  /** Changes when the content does: hash of the file's length, its time of change, its beginning and its end. */
  readonly identity: string;
}

/** Stored facts: width, height, orientation, identity. */
type Facts = readonly [number, number, number, string];

/** Of the beginning and of the end of a file. */
const hashedBytes = 4096;
/** Facts of files read by other rules are forgotten. */
const rules = 3;

/**
 * Sizes of images from their headers, each file opened once: facts of local files are kept on disk by path, length and
 * time of change, so that a prepared data set opens nothing.
 */
export class HeaderIndex {
  readonly #facts = new Map<string, Facts>();
  #isChanged = false;
  /** Files whose header was read rather than remembered. */
  opened = 0;

  private constructor(private readonly file: string | null) {}

  /** @param file where facts are kept; null: in memory only */
  static async open(file: string | null): Promise<HeaderIndex> {
    const index = new HeaderIndex(file);
    const text = file === null ? '' : await readFile(file, 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      try {
        const [key, ...facts] = JSON.parse(line) as [string, ...Facts];
        index.#facts.set(key, facts);
      } catch {
        // A line cut off by a crash: that file is read again.
      }
    }
    return index;
  }

  /** @throws every coded error of opening a medium and reading its header */
  async look(value: unknown, access: MediaAccess, limits: ImageLimits, exif: ExifPolicy): Promise<KnownImage> {
    const reference = mediaReference(value);
    const place = reference.from === 'path' ? filePlace(insideFolder(reference.path, access), limits) : null;
    const known = place === null ? undefined : this.#facts.get(place.key);
    const facts = known ?? (await this.#read(await openMedia(reference, access), limits, exif, place));
    const [width, height, orientation, identity] = facts;
    const isTurned = exif === 'apply' && swapsSides(orientation);
    return { size: isTurned ? { width: height, height: width } : { width, height }, identity };
  }

  /** Writes new facts to disk, whole or not at all. */
  async save(): Promise<void> {
    if (this.file === null || !this.#isChanged) return;
    makeFolder(dirname(this.file));
    const lines = [...this.#facts].map(([key, facts]) => JSON.stringify([key, ...facts]));
    await writeFileAtomic(this.file, `${lines.join('\n')}\n`);
    this.#isChanged = false;
  }

  async #read(source: ByteSource, limits: ImageLimits, exif: ExifPolicy, place: FilePlace | null): Promise<Facts> {
    try {
      this.opened += 1;
      const { format, width, height, orientation } = await readImageHeader(source, limits);
      // Only decoding tells what a file without its last bytes still holds.
      if (!(await endsWhole(source, format))) await decodeImage(source, { exif, limits });
      // Bytes in memory are hashed whole. Files of one camera can be alike in length, time and beginning, not at the end.
      const hash = createHash('sha256').update(place?.stamp ?? '');
      hash.update(await source.read(0, place === null ? source.size : hashedBytes));
      hash.update(await source.read(Math.max(0, source.size - hashedBytes), hashedBytes));
      const facts: Facts = [width, height, orientation, hash.digest('hex').slice(0, 32)];
      if (place !== null) {
        this.#facts.set(place.key, facts);
        this.#isChanged = true;
      }
      return facts;
    } finally {
      await source.close();
    }
  }
}

interface FilePlace {
  /** Names the file in this state under these limits. */
  readonly key: string;
  /** Its length and time of change. */
  readonly stamp: string;
}

function filePlace(path: string, { maxPixels, maxFileBytes, minSide }: ImageLimits): FilePlace | null {
  const facts = statSync(path, { throwIfNoEntry: false });
  if (facts === undefined) return null;
  const stamp = `${facts.size} ${facts.mtimeMs}`;
  return { key: `${rules} ${path} ${stamp} ${maxPixels}/${maxFileBytes}/${minSide}`, stamp };
}
