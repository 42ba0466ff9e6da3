// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import oracle from '../../fixtures/exif-places.json' with { type: 'json' };
import { decodeImage } from '../decode/decode-image.js';
import { memorySource } from './byte-source.js';

describe('the orientation of a file', () => {
  it('is stated in many places', () => expect(oracle.files.length).toBeGreaterThanOrEqual(31));

  it.each(oracle.files)('$place: as Pillow', async ({ place, size, file }) => {
    const source = memorySource(Buffer.from(file, 'base64'), place);
    const { width, height } = await decodeImage(source, { exif: 'apply' });
    expect([width, height]).toEqual(size);
  });
});
