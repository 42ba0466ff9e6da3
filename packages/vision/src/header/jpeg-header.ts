// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { orientationOf } from './exif-orientation.js';
import type { ImageHeader } from './image-header.js';

/** Start-of-frame markers: C0–CF but DHT (C4), JPG (C8) and DAC (CC). ITU T.81, table B.1. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const startOfScan = 0xda;
const endOfImage = 0xd9;
const app1 = 0xe1;

/** Walks the marker segments up to the frame header; skips their contents, whatever their size. */
export async function readJpegHeader(source: ByteSource): Promise<ImageHeader> {
  const { name, size } = source;
  const truncated = () => visionErrors.headerTruncated({ name, format: 'JPEG', bytes: size });
  let orientation = 1;
  let at = 2;
  for (;;) {
    const head = await source.read(at, 4);
    if (head.length < 4) throw truncated();
    if (head[0] !== 0xff) throw visionErrors.headerDamaged({ name, format: 'JPEG', reason: `no marker at byte ${at}` });
    const marker = head[1]!;
    if (marker === 0xff) {
      at += 1; // a fill byte
      continue;
    }
    if (marker === startOfScan || marker === endOfImage) {
      throw visionErrors.headerDamaged({ name, format: 'JPEG', reason: 'no frame header before the data' });
    }
    const length = (head[2]! << 8) | head[3]!;
    if (isFrame(marker)) {
      const frame = await source.read(at + 4, 6); // precision, height, width, components
      if (frame.length < 6) throw truncated();
      const [, h1, h0, w1, w0, components] = frame as unknown as [number, number, number, number, number, number];
      const samples = components === 4 ? 'cmyk8' : 'rgb8';
      return { format: 'JPEG', width: (w1 << 8) | w0, height: (h1 << 8) | h0, orientation, samples };
    }
    if (marker === app1 && length >= 8) orientation = await exifOrientation(source, at + 4, length - 2, orientation);
    at += 2 + length;
  }
}

async function exifOrientation(source: ByteSource, at: number, length: number, before: number): Promise<number> {
  const signature = await source.read(at, 6);
  if (Buffer.from(signature).toString('latin1') !== 'Exif\0\0') return before;
  return orientationOf(await source.read(at + 6, length - 6));
}
