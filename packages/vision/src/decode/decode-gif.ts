// SPDX-License-Identifier: Apache-2.0
import { little16, paletteBytes } from '../header/gif-header.js';
import type { RgbImage } from './rgb-image.js';

/** The first frame's place on the canvas and how its colours are stored. */
interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly interlaced: boolean;
  /** Colours, 3 bytes each; null: index = grey. */
  readonly palette: Uint8Array | null;
  /** Colour index of what the frame does not cover. */
  readonly background: number;
  /** Byte where the compressed data begins. */
  readonly data: number;
}

/**
 * The first frame of a GIF as PIL sees it: transparent pixels keep their palette colour (libvips, which sharp uses,
 * makes them black), and what the frame leaves uncovered takes the transparent index or 0. GIF89a specification.
 */
export function decodeGif(bytes: Uint8Array, width: number, height: number): RgbImage {
  const frame = firstFrame(bytes);
  const indices = decompress(bytes, frame.data, frame.width * frame.height);
  const canvas = new Uint8Array(width * height).fill(frame.background);
  const rows = frame.interlaced ? interlacedRows(frame.height) : null;
  for (let row = 0; row < frame.height; row++) {
    const line = indices.subarray(row * frame.width, (row + 1) * frame.width);
    canvas.set(line, (frame.top + (rows === null ? row : rows[row]!)) * width + frame.left);
  }
  return { width, height, data: colours(canvas, frame.palette) };
}

function colours(indices: Uint8Array, palette: Uint8Array | null): Uint8Array {
  const rgb = new Uint8Array(indices.length * 3);
  for (let pixel = 0; pixel < indices.length; pixel++) {
    const index = indices[pixel]!;
    for (let channel = 0; channel < 3; channel++) {
      rgb[pixel * 3 + channel] = palette === null ? index : (palette[index * 3 + channel] ?? 0);
    }
  }
  return rgb;
}

function firstFrame(bytes: Uint8Array): Frame {
  const globalBytes = paletteBytes(bytes[10]!);
  let palette = globalBytes > 0 ? bytes.subarray(13, 13 + globalBytes) : null;
  let background = 0;
  let at = 13 + globalBytes;
  while (bytes[at] === 0x21) {
    // Graphic control extension: size 4, flags, delay (2), transparent index.
    if (bytes[at + 1] === 0xf9 && bytes[at + 2] === 4 && (bytes[at + 3]! & 1) === 1) background = bytes[at + 6]!;
    at = afterSubBlocks(bytes, at + 2);
  }
  const flags = bytes[at + 9]!;
  const localBytes = paletteBytes(flags);
  if (localBytes > 0) palette = bytes.subarray(at + 10, at + 10 + localBytes);
  return {
    left: little16(bytes, at + 1),
    top: little16(bytes, at + 3),
    width: little16(bytes, at + 5),
    height: little16(bytes, at + 7),
    interlaced: (flags & 0x40) !== 0,
    palette,
    background,
    data: at + 10 + localBytes,
  };
}

function afterSubBlocks(bytes: Uint8Array, start: number): number {
  let at = start;
  while (bytes[at] !== 0) {
    if (bytes[at] === undefined) throw new Error('the file is truncated');
    at += 1 + bytes[at]!;
  }
  return at + 1;
}

/** Row of each stored line: every 8th from 0, every 8th from 4, every 4th from 2, every 2nd from 1. */
function interlacedRows(height: number): number[] {
  const rows: number[] = [];
  for (const [first, step] of [
    [0, 8],
    [4, 8],
    [2, 4],
    [1, 2],
  ] as const) {
    for (let row = first; row < height; row += step) rows.push(row);
  }
  return rows;
}

/** Lempel–Ziv–Welch as GIF uses it: codes grow from the root size + 1 to 12 bits, least significant bit first. */
function decompress(bytes: Uint8Array, start: number, pixels: number): Uint8Array {
  const rootBits = bytes[start] ?? 0;
  if (rootBits < 1 || rootBits > 11) throw new Error('the compressed data is damaged');
  const nextByte = subBlockReader(bytes, start + 1);
  const clear = 1 << rootBits;
  const end = clear + 1;
  const prefix = new Int16Array(4096);
  const suffix = new Uint8Array(4096);
  const length = new Uint16Array(4096);
  for (let code = 0; code < clear; code++) {
    suffix[code] = code;
    length[code] = 1;
  }
  const out = new Uint8Array(pixels);
  let [filled, bits, bitCount, codeBits, free, previous] = [0, 0, 0, rootBits + 1, end + 1, -1];
  while (filled < pixels) {
    while (bitCount < codeBits) {
      bits |= nextByte() << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << codeBits) - 1);
    bits >>>= codeBits;
    bitCount -= codeBits;
    if (code === clear) {
      [codeBits, free, previous] = [rootBits + 1, end + 1, -1];
      continue;
    }
    if (code === end) throw new Error('the compressed data ends too early');
    if (code > free || (code === free && previous < 0)) throw new Error('the compressed data is damaged');
    const known = code < free || free === 4096;
    const from = known ? code : previous;
    const size = known ? length[code]! : length[previous]! + 1;
    const last = filled + size - 1; // where the string's last byte belongs
    let position = known ? last : last - 1;
    let link = from;
    for (;;) {
      if (position < pixels) out[position] = suffix[link]!;
      if (length[link] === 1) break;
      link = prefix[link]!;
      position--;
    }
    const first = suffix[link]!;
    if (!known && last < pixels) out[last] = first;
    if (previous >= 0 && free < 4096) {
      prefix[free] = previous;
      suffix[free] = first;
      length[free] = length[previous]! + 1;
      free++;
      if (free === 1 << codeBits && codeBits < 12) codeBits++;
    }
    previous = code;
    filled += size;
  }
  return out;
}

/** Bytes of the length-prefixed blocks, one after the other. */
function subBlockReader(bytes: Uint8Array, start: number): () => number {
  let at = start;
  let left = 0;
  return () => {
    if (left === 0) {
      left = bytes[at++] ?? 0;
      if (left === 0) throw new Error('the file is truncated');
    }
    left--;
    const byte = bytes[at++];
    if (byte === undefined) throw new Error('the file is truncated');
    return byte;
  };
}
