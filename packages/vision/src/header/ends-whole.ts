// SPDX-License-Identifier: Apache-2.0
import type { ByteSource } from './byte-source.js';
import type { ImageFormat } from './header.js';

const longestMark = 16;
/** Zeros that tools append to fill a block. */
const paddingBytes = 512;

/** Does the file end as its format ends? One that does not may still hold every pixel: something may follow the picture. */
export async function endsWhole(source: ByteSource, format: ImageFormat): Promise<boolean> {
  if (format === 'WebP') return source.size >= 8 + (await riffBytes(source));
  const wanted = longestMark + paddingBytes;
  const end = await source.read(Math.max(0, source.size - wanted), wanted);
  return Buffer.from(end).toString('latin1').replace(/\0+$/, '').endsWith(marks[format]);
}

/** EOI (ITU T.81, table B.1), the last chunk with its checksum, the trailer. */
const marks: Record<Exclude<ImageFormat, 'WebP'>, string> = {
  JPEG: '\xff\xd9',
  PNG: 'IEND\xae\x42\x60\x82',
  GIF: '\0;', // behind the end of the last block
};

/** What the RIFF header says of the bytes behind it. RFC 9649, section 2.3. */
async function riffBytes(source: ByteSource): Promise<number> {
  const head = await source.read(4, 4);
  return new DataView(head.buffer, head.byteOffset, 4).getUint32(0, true);
}
