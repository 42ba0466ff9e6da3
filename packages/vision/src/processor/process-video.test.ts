// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fileSource } from '../header/byte-source.js';
import { defaultImageLimits } from '../header/image-header.js';
import { processImage, type ImageSettings } from './process-image.js';
import { processVideo, readVideoGrid } from './process-video.js';
import { defaultProcessorConfig } from './processor-config.js';

const settings: ImageSettings = {
  processor: defaultProcessorConfig,
  preResize: null,
  exif: 'ignore',
  limits: defaultImageLimits,
};
const file = (name: string) => fileURLToPath(new URL(`../../fixtures/images/${name}`, import.meta.url));
// Three pictures of one size.
const frames = ['jpeg-exif-3.jpg', 'jpeg-exif-6.jpg', 'jpeg-exif-8.jpg'].map(file);

describe('processVideo', () => {
  it('puts frame 2t and 2t + 1 into the halves of each patch and repeats the last odd frame', async () => {
    const sources = await Promise.all(frames.map(fileSource));
    const stills = await Promise.all(sources.map((source) => processImage(source, settings)));
    await Promise.all(sources.map((source) => source.close()));
    const { grid, values } = await processVideo(frames, settings);
    expect(grid).toEqual({ ...stills[0]!.grid, t: 2 });
    expect(await readVideoGrid(frames, settings)).toEqual(grid);
    // A still's patch holds each frame value twice: [channel, 2, 14 · 14].
    const half = 14 * 14;
    const perFrame = stills[0]!.values.length;
    for (const [t, step, still] of [
      [0, 0, 0],
      [0, 1, 1],
      [1, 0, 2],
      [1, 1, 2],
    ] as const) {
      for (let block = 0; block < perFrame; block += 2 * half) {
        const got = values.subarray(t * perFrame + block + step * half, t * perFrame + block + (step + 1) * half);
        const expected = stills[still]!.values.subarray(block, block + half);
        if (got.some((value, index) => value !== expected[index])) expect(got).toEqual(expected);
      }
    }
  });
});
