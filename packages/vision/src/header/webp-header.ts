// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { orientationOf, type OrientationSources } from './exif-orientation.js';
import type { ImageHeader } from './header.js';

const exifFlag = 0x08;
const xmpFlag = 0x04;

/** Size from the first chunk: VP8 (lossy), VP8L (lossless) or VP8X (extended). RFC 9649, section 2. */
export async function readWebpHeader(source: ByteSource): Promise<ImageHeader> {
  const { name, size } = source;
  const bytes = await source.read(0, 30);
  const kind = Buffer.from(bytes.subarray(12, 16)).toString('latin1');
  if (bytes.length < (kind === 'VP8L' ? 25 : 30))
    throw visionErrors.headerTruncated({ name, format: 'WebP', bytes: size });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const facts = { format: 'WebP', samples: 'rgb8', orientation: 1 } as const;
  if (kind === 'VP8 ') {
    return { ...facts, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
  }
  if (kind === 'VP8L') {
    const packed = view.getUint32(21, true); // 14 bits width − 1, 14 bits height − 1
    return { ...facts, width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
  }
  if (kind === 'VP8X') {
    const width = 1 + (view.getUint16(24, true) | (bytes[26]! << 16));
    const height = 1 + (view.getUint16(27, true) | (bytes[29]! << 16));
    const orientation = orientationOf(await notesOf(source, bytes[20]!));
    return { ...facts, width, height, orientation };
  }
  throw visionErrors.headerDamaged({ name, format: 'WebP', reason: `its first chunk is "${kind}"` });
}

/** The chunks of EXIF and XMP, which come behind the image data; each counts only where the header announces it. */
async function notesOf(source: ByteSource, flags: number): Promise<OrientationSources> {
  const read = async (kind: string, flag: number) => ((flags & flag) === 0 ? null : await chunk(source, kind));
  return { exif: await read('EXIF', exifFlag), xmp: await read('XMP ', xmpFlag) };
}

async function chunk(source: ByteSource, kind: string): Promise<Uint8Array | null> {
  for (let at = 12; at + 8 <= source.size;) {
    const head = await source.read(at, 8);
    if (head.length < 8) return null;
    const length = new DataView(head.buffer, head.byteOffset, 8).getUint32(4, true);
    if (Buffer.from(head.subarray(0, 4)).toString('latin1') === kind) return await source.read(at + 8, length);
    at += 8 + length + (length & 1);
  }
  return null;
}
