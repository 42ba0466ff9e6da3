// SPDX-License-Identifier: Apache-2.0

const orientationTag = 0x0112;
/** Bytes of the integer types of a field (TIFF 6.0, section 2): SHORT, LONG and the signed ones; Pillow takes BYTE for text. */
const integerBytes: Readonly<Record<number, 1 | 2 | 4>> = { 3: 2, 4: 4, 6: 1, 8: 2, 9: 4 };

/** What a file says of its orientation, wherever it does; blocks are as Pillow collects them. */
export interface OrientationSources {
  /** TIFF blocks of EXIF, with or without `Exif\0\0` in front. */
  readonly exif: Uint8Array | null;
  /** A packet of XMP, which counts where EXIF has no orientation. */
  readonly xmp: Uint8Array | null;
}

/** Orientation 1…8; 1 where none is stated or what is makes no sense. Pillow 12, `Image.getexif`. */
export function orientationOf({ exif, xmp }: OrientationSources): number {
  const value = (exif === null ? null : exifOrientation(exif)) ?? (xmp === null ? null : xmpOrientation(xmp)) ?? 1;
  return value >= 1 && value <= 8 ? value : 1;
}

/** null: the block has no such field. EXIF 2.32, section 4.6.4. */
function exifOrientation(block: Uint8Array): number | null {
  const tiff = withoutPrefix(block);
  if (tiff.length < 8) return null;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const mark = view.getUint16(0);
  if (mark !== 0x4949 && mark !== 0x4d4d) return null;
  const little = mark === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return null;
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12; // tag, type, count, value
    if (at + 12 > tiff.length) return null;
    if (view.getUint16(at, little) !== orientationTag) continue;
    const bytes = integerBytes[view.getUint16(at + 2, little)];
    const count = view.getUint32(at + 4, little);
    if (bytes === undefined || count === 0) return 1;
    // Of several values the first counts; more than four bytes stand elsewhere.
    return integerAt(view, bytes * count > 4 ? view.getUint32(at + 8, little) : at + 8, bytes, little);
  }
  return null;
}

/** null: it lies beyond the block. */
function integerAt(view: DataView, at: number, bytes: 1 | 2 | 4, little: boolean): number | null {
  if (at + bytes > view.byteLength) return null;
  if (bytes === 1) return view.getUint8(at);
  return bytes === 2 ? view.getUint16(at, little) : view.getUint32(at, little);
}

function withoutPrefix(block: Uint8Array): Uint8Array {
  let at = 0;
  while (Buffer.from(block.subarray(at, at + 6)).toString('latin1') === 'Exif\0\0') at += 6;
  return block.subarray(at);
}

function xmpOrientation(packet: Uint8Array): number | null {
  const found = /tiff:Orientation(?:="|>)([0-9])/.exec(Buffer.from(packet).toString('latin1'));
  return found === null ? null : Number(found[1]);
}
