// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { memorySource } from './byte-source.js';
import { readImageHeader } from './image-header.js';

const bytes = (...parts: (readonly number[] | string | Uint8Array)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));
const repeated = (count: number, ...part: number[]) =>
  Buffer.concat(Array.from({ length: count }, () => Buffer.from(part)));

const many = 4_000_000;
const files = {
  'a JPEG of fill bytes': bytes([0xff, 0xd8, 0xff], new Uint8Array(4 * many).fill(0xff)),
  'a JPEG of empty segments': bytes([0xff, 0xd8], repeated(100_000, 0xff, 0xfe, 0, 2)),
  'a GIF of blocks of one byte': bytes('GIF89a', [1, 0, 1, 0, 0, 0, 0, 0x21, 0xfe], new Uint8Array(2 * many).fill(1)),
  'a PNG of empty chunks': bytes(
    '\x89PNG\r\n\x1a\n',
    [0, 0, 0, 13],
    'IHDR',
    [0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0, 0, 0, 0],
    repeated(100_000, 0, 0, 0, 0, 0x74, 0x45, 0x58, 0x74, 0, 0, 0, 0),
  ),
};

describe('a header that is looked for in vain', () => {
  it.each(Object.entries(files))('in %s is given up', async (name, content) => {
    const failing = readImageHeader(memorySource(content, name));
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_VISION_HEADER_DAMAGED', status: 1 });
    await expect(failing).rejects.toThrow(/no size among its first 65536 parts/);
  });

  it('behind some fill bytes is found', async () => {
    const frame = [0xff, 0xc0, 0, 11, 8, 0, 7, 0, 5, 1, 1, 0x11, 0];
    const jpeg = bytes([0xff, 0xd8], new Uint8Array(500).fill(0xff), frame);
    expect(await readImageHeader(memorySource(jpeg, 'x'))).toMatchObject({ width: 5, height: 7 });
  });
});
