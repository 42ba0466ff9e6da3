// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { croppedMedia, enlarged } from './contrast-media.js';
import type { MediaPlan } from './media-plan.js';
import { OtherMedia } from './other-media.js';

const plan = (identity: string, kind: MediaPlan['kind'] = 'image'): MediaPlan => ({
  kind,
  value: identity,
  folder: '.',
  identity,
  size: { width: 8, height: 8 },
  frames: 1,
  maxPixels: null,
  grid: { t: 1, h: 2, w: 2 },
});

describe('croppedMedia', () => {
  it('keeps a fifth at most, inside the picture, always the same part for the same row', () => {
    for (let row = 0; row < 500; row++) {
      const [{ crop }] = croppedMedia([plan('a')], row, 7) as [MediaPlan];
      const { left, top, width, height } = crop!;
      expect(width * height).toBeLessThanOrEqual(0.2 + 1e-9);
      expect(Math.min(left, top, 1 - left - width, 1 - top - height)).toBeGreaterThanOrEqual(-1e-9);
      expect(croppedMedia([plan('a')], row, 7)[0]!.crop).toEqual(crop);
    }
    expect(croppedMedia([plan('a')], 1, 7)[0]!.crop).not.toEqual(croppedMedia([plan('a')], 1, 8)[0]!.crop);
  });
});

describe('enlarged', () => {
  it('shows the part alone, at the size of the whole', () => {
    // Left half black, right half white: the right quarter is white all over.
    const data = Uint8Array.from({ length: 8 * 4 * 3 }, (_, at) => (Math.floor(at / 3) % 8 < 4 ? 0 : 255));
    const part = enlarged({ width: 8, height: 4, data }, { left: 0.75, top: 0, width: 0.25, height: 1 });
    expect([part.width, part.height]).toEqual([8, 4]);
    expect(new Set(part.data)).toEqual(new Set([255]));
  });
});

describe('OtherMedia', () => {
  it('finds a row with as many media of the same kinds, but others', () => {
    const others = new OtherMedia();
    const rows = [[plan('a')], [plan('a')], [plan('b')], [plan('a'), plan('b')], [plan('c', 'video')]];
    for (const media of rows) others.add(media);
    expect([0, 1].map((row) => others.of(row))).toEqual([2, 2]);
    expect([0, 1]).toContain(others.of(2));
    expect([3, 4].map((row) => others.of(row))).toEqual([null, null]);
  });
});
