// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { tokenCount, type Grid } from '../processor/patches.js';
import { gridOf } from '../processor/process-image.js';
import { defaultProcessorConfig } from '../processor/processor-config.js';
import { expandPlaceholders } from './expand-placeholders.js';
import { mediaTokensOf } from './media-tokens.js';
import { mropePositions, rowPositions, type MediaGrid, type MropeOptions } from './mrope-positions.js';

// Written by oracles/vision/sequences.py from Transformers 5.18. All exact.
type Runs = readonly (readonly [number, number])[];
interface Row {
  readonly sizes: readonly (readonly [number, number])[];
  readonly grids: readonly (readonly [number, number, number])[];
  readonly videos: readonly (readonly [readonly [number, number, number], number])[];
  readonly single: readonly number[];
  readonly ids: Runs;
  readonly qwen2_vl: readonly Runs[];
  readonly qwen2_5_vl: readonly Runs[] | null;
}
const oracle = JSON.parse(readFileSync(new URL('../../fixtures/sequences.json', import.meta.url), 'utf8')) as {
  readonly tokens_per_second: number;
  readonly rows: readonly Row[];
};
const unrolled = (runs: Runs) => Int32Array.from(runs.flatMap(([value, count]) => Array<number>(count).fill(value)));
const tokens = mediaTokensOf({});
const grid = ([t, h, w]: readonly [number, number, number]): Grid => ({ t, h, w });
const processor = { ...defaultProcessorConfig, maxPixels: 12845056 };

/** The media of a row in order: pictures by their sizes alone, videos by their grids. */
const mediaOf = (row: Row): MediaGrid[] => {
  const images = row.sizes.map(([width, height]): MediaGrid => {
    return { kind: 'image', grid: gridOf({ width, height }, { processor, preResize: null }) };
  });
  const videos = row.videos.map(([g, secondsPerPatch]): MediaGrid => ({
    kind: 'video',
    grid: grid(g),
    secondsPerPatch,
  }));
  return [...images, ...videos];
};
const options = (changes: Partial<MropeOptions> = {}): MropeOptions => ({
  tokens,
  mergeSize: 2,
  tokensPerSecond: null,
  ...changes,
});

describe('token ids and positions against Transformers', () => {
  it('covers at least 40 sequences', () => expect(oracle.rows.length).toBeGreaterThanOrEqual(40));

  it('expands pads to the processor’s ids from sizes alone', () => {
    for (const row of oracle.rows) {
      const media = mediaOf(row);
      expect(media.slice(0, row.grids.length).map(({ grid: g }) => [g.t, g.h, g.w])).toEqual(row.grids);
      const sizes = media.map(({ kind, grid: g }) => ({ kind, tokens: tokenCount(g, 2) }));
      const { ids } = expandPlaceholders(Int32Array.from(row.single), sizes, tokens, 'row 1');
      expect(ids).toEqual(unrolled(row.ids));
    }
  });

  it.each(['qwen2_vl', 'qwen2_5_vl'] as const)('gives the positions of %s', (model) => {
    for (const row of oracle.rows) {
      const tokensPerSecond = model === 'qwen2_vl' ? null : oracle.tokens_per_second;
      const expected = row[model] ?? row.qwen2_vl;
      const settings = options({ tokensPerSecond, continuation: 'spatial' });
      const { positions } = mropePositions(unrolled(row.ids), mediaOf(row), settings);
      expect(positions).toEqual(expected.map(unrolled));
    }
  });

  it('gives the same positions with text going on behind the largest index, where no video is long', () => {
    const rows = oracle.rows.filter(({ videos }) => videos.length === 0);
    expect(rows.length).toBeGreaterThanOrEqual(60);
    for (const row of rows) {
      const { positions } = mropePositions(unrolled(row.ids), mediaOf(row), options());
      expect(positions).toEqual(row.qwen2_vl.map(unrolled));
    }
  });
});

describe('mropePositions', () => {
  it('lets text go on behind the time index of a long video', () => {
    // The example of Transformers' own description: 3 × 2 × 2 tokens, 50 time steps per patch, text from 101 on.
    const ids = Int32Array.from([...Array<number>(12).fill(tokens.video), 1, 2]);
    const media: MediaGrid[] = [{ kind: 'video', grid: { t: 3, h: 4, w: 4 }, secondsPerPatch: 2 }];
    const { positions, next } = mropePositions(ids, media, options({ tokensPerSecond: 25 }));
    expect([...positions[0]]).toEqual([0, 0, 0, 0, 50, 50, 50, 50, 100, 100, 100, 100, 101, 102]);
    expect([...positions[1]]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 101, 102]);
    expect([...positions[2]]).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 101, 102]);
    expect(next).toBe(103);
  });

  it('adds fractions of a second up before cutting them', () => {
    const ids = Int32Array.from(Array<number>(4).fill(tokens.video));
    const media: MediaGrid[] = [{ kind: 'video', grid: { t: 4, h: 2, w: 2 }, secondsPerPatch: 0.75 }];
    // 2 per second × 0.75 s = 1.5 per patch: 0, 1.5, 3, 4.5
    expect([...mropePositions(ids, media, options({ tokensPerSecond: 2 })).positions[0]]).toEqual([0, 1, 3, 4]);
  });

  it('names a run of pads that does not fit its image', () => {
    const ids = Int32Array.from([7, tokens.image, tokens.image, tokens.image, 8]);
    const media: MediaGrid[] = [{ kind: 'image', grid: { t: 1, h: 4, w: 4 } }];
    expect(() => mropePositions(ids, media, options())).toThrow(
      /LLMF_VISION_TOKEN_RUN[^]*token 1[^]*3 tokens[^]*4 tokens/,
    );
    expect(() => mropePositions(ids, [], options())).toThrow(/LLMF_VISION_TOKEN_RUN/);
  });
});

describe('rowPositions', () => {
  it('restarts both answers where the two-row form has them', () => {
    const image: MediaGrid = { kind: 'image', grid: { t: 1, h: 8, w: 4 } };
    const prompt = Int32Array.from([5, ...Array<number>(8).fill(tokens.image), 6, 7]);
    const answers = [Int32Array.from([8, 9, 10]), Int32Array.from([11])];
    const once = rowPositions(prompt, answers, [image], options());
    answers.forEach((answer, index) => {
      const whole = mropePositions(Int32Array.from([...prompt, ...answer]), [image], options()).positions;
      const joined = [0, 1, 2].map((axis) => [...once.prompt[axis]!, ...once.responses[index]![axis]!]);
      expect(joined).toEqual(whole.map((axis) => [...axis]));
    });
    // 5 at 0; the image of 4 × 2 tokens from 1; text behind its larger side: 6 at 5, 7 at 6, the answers from 7.
    expect([...once.responses[1]![0]]).toEqual([7]);
  });

  it('gives later turns of a chat their own images', () => {
    const images: MediaGrid[] = [2, 4].map((side) => ({ kind: 'image', grid: { t: 1, h: side, w: side } }));
    const prompt = Int32Array.from([tokens.image]);
    const response = Int32Array.from([3, ...Array<number>(4).fill(tokens.image), 4]);
    const { responses } = rowPositions(prompt, [response], images, options());
    expect([...responses[0]![0]]).toEqual([1, 2, 2, 2, 2, 4]);
    expect([...responses[0]![2]]).toEqual([1, 2, 3, 2, 3, 4]);
  });
});

describe('placeholders', () => {
  it('refuses text and media that disagree, naming both counts', () => {
    const expand = (ids: number[], images: number) =>
      expandPlaceholders(Int32Array.from(ids), Array(images).fill({ kind: 'image', tokens: 2 }), tokens, 'row 7');
    expect(() => expand([1, tokens.image], 2)).toThrow(
      /LLMF_VISION_PLACEHOLDER_COUNT[^]*row 7[^]*1 placeholders, 2 images/,
    );
    expect(() => expand([1], 1)).toThrow(/0 placeholders, 1 images/);
    expect(() => expand([tokens.video], 0)).toThrow(/1 placeholders, 0 videos/);
  });

  it('never counts media tokens in the loss', () => {
    const ids = Int32Array.from([1, tokens.image, 2]);
    const counted = Uint8Array.from([1, 1, 1]);
    const grown = expandPlaceholders(ids, [{ kind: 'image', tokens: 3 }], tokens, 'row 1', counted);
    expect([...grown.counted]).toEqual([1, 0, 0, 0, 1]);
  });
});
