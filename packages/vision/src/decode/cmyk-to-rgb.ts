// SPDX-License-Identifier: Apache-2.0

/**
 * Pillow's CMYK → RGB: with w = 255 − K, each colour is w − C·w / 255, the division rounded in integers.
 * (Pillow's `Image.convert`; checked against it for every pair of C and K.)
 * @param cmyk [pixels, 4] bytes, 255 = full ink
 */
export function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) {
    const white = 255 - cmyk[from + 3]!;
    for (let colour = 0; colour < 3; colour++) rgb[to + colour] = white - dividedBy255(cmyk[from + colour]! * white);
  }
  return rgb;
}

/** Rounded n / 255 for 0 ≤ n ≤ 255². */
function dividedBy255(product: number): number {
  const shifted = product + 128;
  return ((shifted >> 8) + shifted) >> 8;
}
