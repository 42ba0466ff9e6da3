// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { makeFolder, readIfThere, writeFileAtomic } from '@llmf/core';
import { fileSource, type ByteSource } from '../header/byte-source.js';
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
  /** Hash of the content: the same wherever the file lies and whenever it was written. */
  readonly identity: string;
}

/** Stored facts: width, height, orientation, identity. */
type Facts = readonly [number, number, number, string];

/** Of a file read at a time. */
const pieceBytes = 1024 * 1024;
/** Facts of files read by other rules are forgotten. */
const rules = 4;

/**
 * Sizes of images from their headers, each file read once: facts of local files are kept on disk by path, length and
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
    const text = file === null ? '' : ((await readIfThere(file)) ?? '');
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
    const key = reference.from === 'path' ? fileKey(insideFolder(reference.path, access), limits) : null;
    const known = key === null ? undefined : this.#facts.get(key);
    const facts = known ?? (await this.#read(await openMedia(reference, access), limits, exif, key));
    const [width, height, orientation, identity] = facts;
    const isTurned = exif === 'apply' && swapsSides(orientation);
    return { size: isTurned ? { width: height, height: width } : { width, height }, identity };
  }

  /** Changes when the content of one of these files, a name or their order does. */
  async contentOf(paths: readonly string[]): Promise<string> {
    const hash = createHash('sha256');
    for (const path of paths) hash.update(`${basename(path)} ${await this.#fileHash(path)}\n`);
    return hash.digest('hex').slice(0, 32);
  }

  async #fileHash(path: string): Promise<string> {
    const key = `${stateOf(path)} content`;
    const known = this.#facts.get(key);
    if (known !== undefined) return known[3];
    const source = await fileSource(path);
    try {
      const content = await contentHash(source);
      this.#remember(key, [0, 0, 0, content]);
      return content;
    } finally {
      await source.close();
    }
  }

  /** Writes new facts to disk, whole or not at all. */
  async save(): Promise<void> {
    if (this.file === null || !this.#isChanged) return;
    makeFolder(dirname(this.file));
    const lines = [...this.#facts].map(([key, facts]) => JSON.stringify([key, ...facts]));
    await writeFileAtomic(this.file, `${lines.join('\n')}\n`);
    this.#isChanged = false;
  }

  async #read(source: ByteSource, limits: ImageLimits, exif: ExifPolicy, key: string | null): Promise<Facts> {
    try {
      this.opened += 1;
      const { format, width, height, orientation } = await readImageHeader(source, limits);
      // Only decoding tells what a file without its last bytes still holds.
      if (!(await endsWhole(source, format))) await decodeImage(source, { exif, limits });
      const facts: Facts = [width, height, orientation, await contentHash(source)];
      if (key !== null) this.#remember(key, facts);
      return facts;
    } finally {
      await source.close();
    }
  }

  #remember(key: string, facts: Facts): void {
    this.#facts.set(key, facts);
    this.#isChanged = true;
  }
}

async function contentHash(source: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  for (let at = 0; at < source.size; at += pieceBytes) hash.update(await source.read(at, pieceBytes));
  return hash.digest('hex').slice(0, 32);
}

/** Names a file in its present state, under limits. */
const fileKey = (path: string, { maxPixels, maxFileBytes, minSide }: ImageLimits): string =>
  `${stateOf(path)} ${maxPixels}/${maxFileBytes}/${minSide}`;

function stateOf(path: string): string {
  const facts = statSync(path, { throwIfNoEntry: false }); // opening it tells what is missing
  return `${rules} ${path} ${facts?.size} ${facts?.mtimeMs}`;
}
