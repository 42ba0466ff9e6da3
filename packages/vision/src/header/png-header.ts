// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import { orientationOf } from './exif-orientation.js';
import type { ImageHeader } from './image-header.js';

const greyscale = 0;

/** Size from IHDR; orientation from an eXIf chunk before the image data (PNG 3rd edition, sections 11.2.1 and 11.3.3). */
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
    orientation: await findOrientation(source),
    samples: depth === 16 && colourType === greyscale ? 'grey16' : 'rgb8',
  };
}

async function findOrientation(source: ByteSource): Promise<number> {
  let at = 8;
  while (at + 8 <= source.size) {
    const head = await source.read(at, 8); // length, kind
    if (head.length < 8) return 1;
    const length = new DataView(head.buffer, head.byteOffset, 8).getUint32(0);
    const kind = chunkKind(head, 4);
    if (kind === 'eXIf') return orientationOf(await source.read(at + 8, length));
    if (kind === 'IDAT' || kind === 'IEND') return 1;
    at += 12 + length;
  }
  return 1;
}

const chunkKind = (bytes: Uint8Array, at: number) => Buffer.from(bytes.subarray(at, at + 4)).toString('latin1');
