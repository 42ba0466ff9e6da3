// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { readGifHeader } from './gif-header.js';
import { readJpegHeader } from './jpeg-header.js';
import { readPngHeader } from './png-header.js';
import { readWebpHeader } from './webp-header.js';
import type { ImageHeader } from './header.js';

/** Guards against files that are too large to decode or too small to mean anything. */
export interface ImageLimits {
  /** Width × height as stored. */
  readonly maxPixels: number;
  readonly maxFileBytes: number;
  /** Shortest side accepted. */
  readonly minSide: number;
}

/** Pillow warns from this many pixels on (Image.MAX_IMAGE_PIXELS); here it is the limit. */
export const defaultImageLimits: ImageLimits = { maxPixels: 89_478_485, maxFileBytes: 64 * 2 ** 20, minSide: 1 };

/**
 * Size, format and orientation from the header alone. The content decides the format, the extension is not looked at.
 * @throws LLMF_VISION_SVG, _UNKNOWN_FORMAT, _HEADER_TRUNCATED, _HEADER_DAMAGED, _TOO_MANY_PIXELS, _TOO_SMALL, _FILE_TOO_LARGE
 */
export async function readImageHeader(
  source: ByteSource,
  limits: ImageLimits = defaultImageLimits,
): Promise<ImageHeader> {
  if (source.size > limits.maxFileBytes) {
    throw visionErrors.fileTooLarge({ name: source.name, bytes: source.size, limit: limits.maxFileBytes });
  }
  const patient = countedReads(source);
  const header = await readerFor(await patient.read(0, 512), patient)(patient);
  const { width, height, format } = header;
  const { name } = source;
  if (width === 0 || height === 0) {
    throw visionErrors.headerDamaged({ name, format, reason: `the size is ${width} × ${height}` });
  }
  if (width * height > limits.maxPixels) {
    throw visionErrors.tooManyPixels({ name, width, height, limit: limits.maxPixels });
  }
  if (Math.min(width, height) < limits.minSide) {
    throw visionErrors.tooSmall({ name, width, height, limit: limits.minSide });
  }
  return header;
}

/** Headers take a few reads; a file of fill bytes or empty parts would take one for each of them. */
const mostReads = 65_536;

function countedReads(source: ByteSource): ByteSource {
  let left = mostReads;
  return {
    ...source,
    read: async (offset, length) => {
      if (--left < 0) {
        const reason = `no size among its first ${mostReads} parts`;
        throw visionErrors.headerDamaged({ name: source.name, format: 'image', reason });
      }
      return await source.read(offset, length);
    },
  };
}

/** Do rows and columns change places when the orientation is applied? */
export const swapsSides = (orientation: number): boolean => orientation >= 5;

function readerFor(start: Uint8Array, source: ByteSource): (source: ByteSource) => Promise<ImageHeader> {
  const text = Buffer.from(start.buffer, start.byteOffset, start.length).toString('latin1');
  if (text.startsWith('\xff\xd8\xff')) return readJpegHeader;
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return readPngHeader;
  if (text.startsWith('GIF87a') || text.startsWith('GIF89a')) return readGifHeader;
  if (text.startsWith('RIFF') && text.slice(8, 12) === 'WEBP') return readWebpHeader;
  const trimmed = text.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^<(\?xml|!doctype svg|!--|svg)/i.test(trimmed) && /<svg|<!doctype svg/i.test(text)) {
    throw visionErrors.svg({ name: source.name });
  }
  throw visionErrors.unknownFormat({ name: source.name, got: describeStart(start) });
}

function describeStart(start: Uint8Array): string {
  if (start.length === 0) return 'an empty file';
  const bytes = [...start.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `a file that begins with the bytes ${bytes.join(' ')}`;
}
