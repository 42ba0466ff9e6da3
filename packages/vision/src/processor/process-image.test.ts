// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../decode/decode-image.js';
import { fileSource } from '../header/byte-source.js';
import { defaultImageLimits, readImageHeader } from '../header/image-header.js';
import { cutPatches } from './patches.js';
import { llamaFactoryLimits } from './pre-resize.js';
import { processImage, readGrid, resizeThrough, resizeSteps, type ImageSettings } from './process-image.js';
import { parseProcessorConfig } from './processor-config.js';
import { smartResize } from './smart-resize.js';

// Written by oracles/vision/image_processor.py: Pillow 12.3, Transformers 5.18's PIL processor. Compared bit for bit.
interface Processed {
  readonly grid: readonly [number, number, number];
  readonly resized: string;
  readonly values: string;
  readonly sum: number;
  readonly samples: readonly (readonly [number, number])[];
}
interface Row {
  readonly file: string;
  readonly mode: string;
  readonly size: readonly [number, number];
  readonly orientation: number;
  readonly rgb: string;
  readonly upright: { readonly size: readonly [number, number]; readonly rgb: string };
  readonly checkpoint: Processed;
  readonly small: Processed;
  readonly limited: Processed & { readonly size: readonly [number, number] };
}
const fixtures = new URL('../../fixtures/', import.meta.url);
const oracle = JSON.parse(readFileSync(new URL('image-processor.json', fixtures), 'utf8')) as {
  readonly settings: Record<'checkpoint' | 'small', Record<string, unknown>>;
  readonly images: readonly Row[];
  readonly sizes: readonly (readonly [number, number, number, number, number])[];
};

const settingsOf = (name: 'checkpoint' | 'small', changes: Partial<ImageSettings> = {}): ImageSettings => ({
  processor: parseProcessorConfig(oracle.settings[name], 'preprocessor_config.json'),
  preResize: null,
  exif: 'ignore',
  limits: defaultImageLimits,
  ...changes,
});
const open = (file: string) => fileSource(new URL(`images/${file}`, fixtures).pathname);
const sha = (bytes: Uint8Array | Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .digest('hex');

describe('the picture pipeline against Pillow and Transformers', () => {
  it('covers at least 40 pictures', () => expect(oracle.images.length).toBeGreaterThanOrEqual(40));

  it.each(oracle.images)('decodes $file ($mode) to the same bytes', async (row) => {
    const source = await open(row.file);
    const stored = await decodeImage(source, { exif: 'ignore' });
    expect([stored.width, stored.height, sha(stored.data)]).toEqual([...row.size, row.rgb]);
    const upright = await decodeImage(source, { exif: 'apply' });
    expect([upright.width, upright.height, sha(upright.data)]).toEqual([...row.upright.size, row.upright.rgb]);
    await source.close();
  });

  it.each(oracle.images)('reads size and orientation of $file from the header', async (row) => {
    const source = await open(row.file);
    const header = await readImageHeader(source);
    expect([header.width, header.height, header.orientation]).toEqual([...row.size, row.orientation]);
    await source.close();
  });

  it.each(oracle.images)('makes the same grid and pixel values of $file', async (row) => {
    const source = await open(row.file);
    const cases = [
      [settingsOf('checkpoint'), row.checkpoint],
      [settingsOf('small'), row.small],
      [settingsOf('checkpoint', { preResize: llamaFactoryLimits }), row.limited],
    ] as const;
    const image = await decodeImage(source, { exif: 'ignore' });
    for (const [settings, expected] of cases) {
      const resized = resizeThrough(image, settings);
      expect(sha(resized.data)).toBe(expected.resized);
      const { grid, values } = cutPatches([resized], settings.processor);
      expect([grid.t, grid.h, grid.w]).toEqual(expected.grid);
      for (const [index, value] of expected.samples) expect(values[index]).toBe(Math.fround(value));
      expect(sha(values)).toBe(expected.values);
      expect(await readGrid(source, settings)).toEqual(grid);
    }
    await source.close();
  });
});

describe('processImage', () => {
  it('is decoding, resizing and cutting in one, upright when asked', async () => {
    const row = oracle.images.find(({ file }) => file === 'jpeg-exif-6.jpg')!;
    const source = await open(row.file);
    const { grid, values } = await processImage(source, settingsOf('checkpoint'));
    expect([[grid.t, grid.h, grid.w], sha(values)]).toEqual([row.checkpoint.grid, row.checkpoint.values]);
    const upright = settingsOf('checkpoint', { exif: 'apply' });
    expect(await readGrid(source, upright)).toEqual({ t: 1, h: grid.w, w: grid.h });
    expect((await processImage(source, upright)).grid).toEqual({ t: 1, h: grid.w, w: grid.h });
    await source.close();
  });
});

describe('smartResize', () => {
  it('rounds and limits as Transformers does', () => {
    expect(oracle.sizes.length).toBeGreaterThan(80);
    for (const [width, height, maxPixels, wide, high] of oracle.sizes) {
      const got = smartResize({ width, height }, { factor: 28, minPixels: 3136, maxPixels });
      expect([width, height, got.width, got.height]).toEqual([width, height, wide, high]);
    }
  });

  it('refuses an aspect ratio above 200, which the peers’ limits mend before', () => {
    expect(() => smartResize({ width: 201, height: 1 }, { factor: 28, minPixels: 1, maxPixels: 1e9 })).toThrow(
      /LLMF_VISION_ASPECT_RATIO/,
    );
    const steps = resizeSteps({ width: 9000, height: 30 }, settingsOf('checkpoint', { preResize: llamaFactoryLimits }));
    expect(steps[0]).toEqual({ width: 5400, height: 30 }); // 180 × the short side
  });
});
