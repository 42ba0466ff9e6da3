// SPDX-License-Identifier: Apache-2.0

const orientationTag = 0x0112;
const typeShort = 3;

/** Orientation 1…8 of a TIFF block (EXIF 2.32, section 4.6.4); 1 where it is absent or makes no sense. */
export function orientationOf(tiff: Uint8Array): number {
  if (tiff.length < 8) return 1;
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength);
  const mark = view.getUint16(0);
  if (mark !== 0x4949 && mark !== 0x4d4d) return 1;
  const little = mark === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > tiff.length) return 1;
  const entries = view.getUint16(directory, little);
  for (let entry = 0; entry < entries; entry++) {
    const at = directory + 2 + entry * 12; // tag, type, count, value
    if (at + 12 > tiff.length) return 1;
    if (view.getUint16(at, little) !== orientationTag || view.getUint16(at + 2, little) !== typeShort) continue;
    const value = view.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
