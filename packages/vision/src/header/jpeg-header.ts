// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { orientationOf } from './exif-orientation.js';
import type { ImageHeader } from './header.js';

/** Start-of-frame markers: C0–CF but DHT (C4), JPG (C8) and DAC (CC). ITU T.81, table B.1. */
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const startOfScan = 0xda;
const endOfImage = 0xd9;
const app1 = 0xe1;
const xmpName = 'http://ns.adobe.com/xap/1.0/\0';

/** Walks the marker segments up to the data; skips their contents, whatever their size. */
export async function readJpegHeader(source: ByteSource): Promise<ImageHeader> {
  const { name, size } = source;
  const notes = new Notes(source);
  let frame: Pick<ImageHeader, 'width' | 'height' | 'samples'> | null = null;
  for (let at = 2; ;) {
    const head = await source.read(at, 4);
    const isCut = head.length < 4;
    if (isCut && frame === null) throw visionErrors.headerTruncated({ name, format: 'JPEG', bytes: size });
    const marker = head[1];
    if (isCut || marker === startOfScan || marker === endOfImage) break;
    if (head[0] !== 0xff) throw visionErrors.headerDamaged({ name, format: 'JPEG', reason: `no marker at byte ${at}` });
    if (marker === 0xff) {
      at += 1; // a fill byte
      continue;
    }
    const length = (head[2]! << 8) | head[3]!;
    if (isFrame(marker!)) frame ??= await frameAt(source, at + 4);
    if (marker === app1) await notes.add(at + 4, length - 2);
    at += 2 + length;
  }
  if (frame === null)
    throw visionErrors.headerDamaged({ name, format: 'JPEG', reason: 'no frame header before the data' });
  return { format: 'JPEG', ...frame, orientation: orientationOf(notes) };
}

async function frameAt(source: ByteSource, at: number): Promise<Pick<ImageHeader, 'width' | 'height' | 'samples'>> {
  const frame = await source.read(at, 6); // precision, height, width, components
  if (frame.length < 6) throw visionErrors.headerTruncated({ name: source.name, format: 'JPEG', bytes: source.size });
  const [, h1, h0, w1, w0, components] = frame as unknown as [number, number, number, number, number, number];
  return { width: (w1 << 8) | w0, height: (h1 << 8) | h0, samples: components === 4 ? 'cmyk8' : 'rgb8' };
}

/** The segments that tell an orientation: EXIF, which may be continued in later ones, and the last XMP packet. */
class Notes {
  exif: Uint8Array | null = null;
  xmp: Uint8Array | null = null;

  constructor(private readonly source: ByteSource) {}

  async add(at: number, length: number): Promise<void> {
    const name = Buffer.from(await this.source.read(at, xmpName.length)).toString('latin1');
    if (name.startsWith('Exif\0\0')) {
      const more = await this.source.read(at + 6, length - 6);
      this.exif = this.exif === null ? more : Buffer.concat([this.exif, more]);
    } else if (name === xmpName) this.xmp = await this.source.read(at + xmpName.length, length - xmpName.length);
  }
}
