// SPDX-License-Identifier: Apache-2.0
import { inflateSync } from 'node:zlib';
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { orientationOf, type OrientationSources } from './exif-orientation.js';
import type { ImageHeader } from './header.js';

const greyscale = 0;
/** Longer texts are passed over, as Pillow does (`PngImagePlugin.MAX_TEXT_CHUNK`). */
const longestText = 2 ** 20;

/** Size from IHDR, orientation from any chunk before or behind the image data (PNG 3rd edition, chapter 11). */
export async function readPngHeader(source: ByteSource): Promise<ImageHeader> {
  const { name, size } = source;
  const bytes = await source.read(0, 29);
  if (bytes.length < 29) throw visionErrors.headerTruncated({ name, format: 'PNG', bytes: size });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (chunkKind(bytes, 12) !== 'IHDR') {
    throw visionErrors.headerDamaged({ name, format: 'PNG', reason: 'the first chunk is not IHDR' });
  }
  const depth = bytes[24];
  const colourType = bytes[25];
  return {
    format: 'PNG',
    width: view.getUint32(16),
    height: view.getUint32(20),
    orientation: orientationOf(await orientationSources(source)),
    samples: depth === 16 && colourType === greyscale ? 'grey16' : 'rgb8',
  };
}

/** eXIf, else the text in which ImageMagick keeps EXIF; and XMP. */
async function orientationSources(source: ByteSource): Promise<OrientationSources> {
  let exif: Uint8Array | null = null;
  const texts = new Map<string, string>();
  for (let at = 8; at + 8 <= source.size;) {
    const head = await source.read(at, 8); // length, kind
    if (head.length < 8) break;
    const length = new DataView(head.buffer, head.byteOffset, 8).getUint32(0);
    const kind = chunkKind(head, 4);
    if (kind === 'IEND') break;
    if (kind === 'eXIf') exif = await source.read(at + 8, length);
    const decode = textChunks[kind];
    const text = decode === undefined ? null : decode(await source.read(at + 8, length));
    if (text !== null) texts.set(text.key, text.value);
    at += 12 + length;
  }
  const raw = texts.get('Raw profile type exif');
  const xmp = texts.get('XML:com.adobe.xmp');
  return {
    exif: exif ?? (raw === undefined ? null : fromHex(raw)),
    xmp: xmp === undefined ? null : Buffer.from(xmp, 'latin1'),
  };
}

interface Text {
  readonly key: string;
  readonly value: string;
}

/** Texts as bytes in latin1; null: the chunk makes no sense. */
const textChunks: Readonly<Record<string, (chunk: Uint8Array) => Text | null>> = {
  tEXt: (chunk) => keyed(chunk, (rest) => rest),
  zTXt: (chunk) => keyed(chunk, (rest) => inflated(rest.subarray(1))),
  iTXt: (chunk) =>
    keyed(chunk, (rest) => {
      // Flag and method of compression, then language and translated key, each ended by a zero.
      const text = rest.subarray(rest.indexOf(0, rest.indexOf(0, 2) + 1) + 1);
      return rest[0] === 1 ? inflated(text) : text;
    }),
};

function keyed(chunk: Uint8Array, valueOf: (rest: Uint8Array) => Uint8Array | null): Text | null {
  const end = chunk.indexOf(0);
  const value = end === -1 ? null : valueOf(chunk.subarray(end + 1));
  if (value === null) return null;
  return { key: Buffer.from(chunk.subarray(0, end)).toString('latin1'), value: Buffer.from(value).toString('latin1') };
}

function inflated(bytes: Uint8Array): Uint8Array | null {
  try {
    return inflateSync(bytes, { maxOutputLength: longestText });
  } catch {
    return null;
  }
}

/** Behind three lines (empty, the kind, the length) the bytes in hexadecimal. */
const fromHex = (text: string): Uint8Array => Buffer.from(text.split('\n').slice(3).join(''), 'hex');

const chunkKind = (bytes: Uint8Array, at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
