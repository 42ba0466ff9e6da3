// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { ImageLimits } from '../src/header/image-header.js';

export const fixture = (name: string) => readFileSync(new URL(`../fixtures/images/${name}`, import.meta.url));
const cut = (name: string, share: number) => {
  const bytes = fixture(name);
  return bytes.subarray(0, Math.floor(bytes.length * share));
};
/** The file with `change` written over its bytes from `at` on. */
export const patched = (name: string, at: number, ...change: number[]) => {
  const bytes = Buffer.from(fixture(name));
  bytes.set(change, at);
  return bytes;
};
const text = (content: string) => Buffer.from(content, 'utf8');
const jpegFrame = (height: number, width: number) =>
  Buffer.from([
    0xff,
    0xd8,
    0xff,
    0xc0,
    0,
    17,
    8,
    height >> 8,
    height & 255,
    width >> 8,
    width & 255,
    3,
    ...Array<number>(9).fill(0),
  ]);
export const svg = '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>';
export const uint32 = (value: number) => [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];

/** Where the compressed data of gif-still.gif begins: behind 32 colours and the image descriptor. */
const gifData = fixture('gif-still.gif').indexOf(0x2c, 13 + 3 * 32) + 10;

export const badBytes: [string, Uint8Array, string, Partial<ImageLimits>?][] = [
  ['an empty file', Buffer.alloc(0), 'UNKNOWN_FORMAT'],
  ['text under an image name', text('not an image'), 'UNKNOWN_FORMAT'],
  ['an HTML error page', text('<!DOCTYPE html><html><body>404</body></html>'), 'UNKNOWN_FORMAT'],
  ['a BMP file', Buffer.from('BM      '), 'UNKNOWN_FORMAT'],
  ['SVG with an external reference', text(svg), 'SVG'],
  ['SVG after an XML declaration', text(`\ufeff<?xml version="1.0"?>\n<!-- x -->${svg}`), 'SVG'],
  ['a PNG of 50,000 × 50,000', patched('rgb-28x28.png', 16, ...uint32(50_000), ...uint32(50_000)), 'TOO_MANY_PIXELS'],
  ['a JPEG of 65,535 × 65,535', jpegFrame(65535, 65535), 'TOO_MANY_PIXELS'],
  ['a GIF of 65,535 × 65,535', patched('gif-still.gif', 6, 255, 255, 255, 255), 'TOO_MANY_PIXELS'],
  ['a WebP of 16,384 × 16,384', patched('webp-lossless-alpha.webp', 21, 255, 255, 255, 15), 'TOO_MANY_PIXELS'],
  ['a PNG of no width', patched('rgb-28x28.png', 16, 0, 0, 0, 0), 'HEADER_DAMAGED'],
  ['a JPEG of no height', jpegFrame(0, 5), 'HEADER_DAMAGED'],
  ['a PNG that does not begin with IHDR', patched('rgb-28x28.png', 12, 0x49, 0x44), 'HEADER_DAMAGED'],
  ['a JPEG without a frame', Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]), 'HEADER_DAMAGED'],
  [
    'a JPEG with bytes where a marker belongs',
    Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 2, 1, 2, 3, 4]),
    'HEADER_DAMAGED',
  ],
  ['a WebP with an unknown first chunk', patched('webp-lossy.webp', 12, 0x41), 'HEADER_DAMAGED'],
  ['a GIF with an unknown block', patched('gif-still.gif', 13 + 3 * 32, 7), 'HEADER_DAMAGED'],
  ['a JPEG cut in its header', fixture('jpeg-420.jpg').subarray(0, 30), 'HEADER_TRUNCATED'],
  ['a PNG cut in its header', fixture('rgb-28x28.png').subarray(0, 20), 'HEADER_TRUNCATED'],
  ['a GIF cut in its header', fixture('gif-still.gif').subarray(0, 10), 'HEADER_TRUNCATED'],
  ['a GIF cut in its palette', fixture('gif-still.gif').subarray(0, 40), 'HEADER_TRUNCATED'],
  ['a WebP cut in its header', fixture('webp-lossy.webp').subarray(0, 20), 'HEADER_TRUNCATED'],
  ['a 1 × 1 picture where 8 are asked for', fixture('rgb-1x1.png'), 'TOO_SMALL', { minSide: 8 }],
  ['a file above the size limit', fixture('jpeg-420.jpg'), 'FILE_TOO_LARGE', { maxFileBytes: 1000 }],
  ['a picture above the pixel limit', fixture('rgb-320x240.png'), 'TOO_MANY_PIXELS', { maxPixels: 320 * 240 - 1 }],
];

export const undecodable: readonly (readonly [string, Uint8Array])[] = [
  ['a JPEG cut at a quarter', cut('jpeg-444.jpg', 0.25)],
  ['a JPEG cut at half', cut('jpeg-420.jpg', 0.5)],
  ['a JPEG cut at nine tenths', cut('jpeg-444.jpg', 0.9)],
  ['a progressive JPEG cut at half', cut('jpeg-progressive.jpg', 0.5)],
  ['a CMYK JPEG cut at half', cut('jpeg-cmyk.jpg', 0.5)],
  ['a PNG cut at half', cut('rgb-113x251.png', 0.5)],
  ['a PNG of 16 bits cut at half', cut('png-grey16.png', 0.5)],
  ['a GIF cut at half', cut('gif-still.gif', 0.5)],
  ['a WebP cut at half', cut('webp-lossy.webp', 0.5)],
  ['a PNG with damaged data', patched('rgb-113x251.png', 3000, ...Array<number>(40).fill(0xaa))],
  ['a GIF with a wrong code size', patched('gif-still.gif', gifData, 99)],
];
