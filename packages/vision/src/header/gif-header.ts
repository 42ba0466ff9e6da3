// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import type { ImageHeader } from './header.js';

/**
 * The logical screen, widened to the first frame where that sticks out, as Pillow does (GIF89a, sections 18 and 20).
 */
export async function readGifHeader(source: ByteSource): Promise<ImageHeader> {
  const screen = await source.read(6, 7); // width, height, flags, background, aspect
  if (screen.length < 7) throw truncated(source);
  const frame = await firstFrame(source, 13 + paletteBytes(screen[4]!));
  return {
    format: 'GIF',
    width: Math.max(little16(screen, 0), frame.right),
    height: Math.max(little16(screen, 2), frame.bottom),
    orientation: 1,
    samples: 'rgb8',
  };
}

/** Bytes of the colour table that a flags byte announces. */
export const paletteBytes = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * (2 << (flags & 7)));

export const little16 = (bytes: Uint8Array, at: number): number => bytes[at]! | (bytes[at + 1]! << 8);

async function firstFrame(source: ByteSource, start: number): Promise<{ right: number; bottom: number }> {
  let at = start;
  for (;;) {
    const head = await source.read(at, 10);
    if (head.length < 2) throw truncated(source);
    if (head[0] === 0x2c) {
      if (head.length < 9) throw truncated(source);
      return { right: little16(head, 1) + little16(head, 5), bottom: little16(head, 3) + little16(head, 7) };
    }
    if (head[0] !== 0x21) {
      throw visionErrors.headerDamaged({ name: source.name, format: 'GIF', reason: `no block at byte ${at}` });
    }
    at = await afterSubBlocks(source, at + 2);
  }
}

async function afterSubBlocks(source: ByteSource, start: number): Promise<number> {
  let at = start;
  for (;;) {
    const length = (await source.read(at, 1))[0];
    if (length === undefined) throw truncated(source);
    at += 1 + length;
    if (length === 0) return at;
  }
}

const truncated = (source: ByteSource) =>
  visionErrors.headerTruncated({ name: source.name, format: 'GIF', bytes: source.size });
