// SPDX-License-Identifier: Apache-2.0

/**
 * Grey of 16 bits as Pillow converts its mode `I;16` to RGB: clipped at 255, not scaled, so that most such files come
 * out white. Kept because the reference sees them so; convert the files to 8 bits for another result.
 * @param samples [pixels, channels], grey first
 */
export function grey16ToRgb(samples: Uint16Array, channels: number): Uint8Array {
  const pixels = samples.length / channels;
  const rgb = new Uint8Array(pixels * 3);
  for (let pixel = 0; pixel < pixels; pixel++)
    rgb.fill(Math.min(samples[pixel * channels]!, 255), pixel * 3, pixel * 3 + 3);
  return rgb;
}
