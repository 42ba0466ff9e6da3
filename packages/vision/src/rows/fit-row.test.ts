// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { defaultProcessorConfig } from '../processor/processor-config.js';
import { expandPlaceholders } from '../tokens/expand-placeholders.js';
import { mropePositions } from '../tokens/mrope-positions.js';
import { fitRow, padsIn, rowLength, type FitSettings, type MediaRow, type MediaTruncation } from './fit-row.js';
import { planGrid, planTokens, type MediaPlan } from './media-plan.js';

const tokens = { visionStart: 90, visionEnd: 91, image: 92, video: 93 };
const turns = { start: 80, user: 81 };
const image = { processor: defaultProcessorConfig, preResize: null };
const media = { image, video: image };
const settings = (maxLength: number, policy: MediaTruncation): FitSettings => ({
  maxLength,
  policy,
  tokens,
  turns,
  media,
});

const picture = (width: number, height: number): MediaPlan => {
  const size = { width, height };
  const grid = planGrid(size, 1, null, image);
  return { kind: 'image', value: 'x.png', folder: '.', identity: 'x', size, frames: 1, maxPixels: null, grid };
};
const answer = (role: 'chosen' | 'rejected', ...ids: number[]) => ({
  ids: Int32Array.from(ids),
  counted: new Uint8Array(ids.length).fill(1),
  role,
});
/** 280 × 280 is 10 × 10 tokens. */
const row = (...sides: number[]): MediaRow => ({
  prompt: Int32Array.from([80, 70, 5, ...sides.flatMap(() => [80, 81, 90, 92, 91, 6, 80, 82, 7])]),
  responses: [answer('chosen', 1, 2, 3, 4), answer('rejected', 5, 2, 3)],
  media: sides.map((side) => picture(side, side)),
});

describe('fitRow', () => {
  it('leaves a row alone that fits exactly', () => {
    // 3 + 9 tokens of prompt with one pad, 99 more for the picture, 4 of the longer answer
    expect(rowLength(row(280), settings(0, 'dropRow'))).toBe(115);
    expect(fitRow(row(280), settings(115, 'dropRow'))).toEqual({ row: row(280), action: null });
  });

  it('drops the row one token below, and says by how much', () => {
    expect(fitRow(row(280), settings(114, 'dropRow'))).toEqual({
      row: null,
      reason: 'too long (115 tokens with its media, maxLength 114)',
    });
  });

  it('shrinks pictures to the largest size that fits, by a common pixel limit', () => {
    const fitted = fitRow(row(280, 56), settings(100, 'shrink'));
    expect(fitted.row!.media.map((plan) => planTokens(plan, media))).toEqual([64, 4]);
    // One more merge block of pixels would not fit: 9 × 9 tokens instead of 8 × 8 are 17 more.
    expect(rowLength(fitted.row!, settings(100, 'shrink'))).toBeLessThanOrEqual(100);
    expect(rowLength(fitted.row!, settings(100, 'shrink')) + 17).toBeGreaterThan(100);
    expect((fitted as { action: string }).action).toMatch(/127 tokens.*limiting its media to \d+ pixels gives 91/);
  });

  it('drops the oldest exchanges with their pictures and keeps what precedes them', () => {
    const fitted = fitRow(row(280, 140, 56), settings(60, 'dropTurns'));
    expect(fitted.row!.prompt.slice(0, 5)).toEqual(Int32Array.from([80, 70, 5, 80, 81]));
    expect(fitted.row!.media.map(({ size }) => size.width)).toEqual([140, 56]);
    expect(fitRow(row(280), settings(60, 'dropTurns')).row).toBeNull();
  });

  it('cuts answers only at their end and drops a pair that becomes equal', () => {
    const pair: MediaRow = { ...row(56), responses: [answer('chosen', 1, 2, 3), answer('rejected', 1, 2, 4)] };
    expect(fitRow(pair, settings(rowLength(pair, settings(0, 'shrink')) - 1, 'shrink')).row).toBeNull();
    const apart: MediaRow = { ...row(56), responses: [answer('chosen', 1, 2, 3), answer('rejected', 4, 5, 6)] };
    const cut = fitRow(apart, settings(rowLength(apart, settings(0, 'shrink')) - 1, 'shrink'));
    expect(cut.row!.responses.map(({ ids }) => [...ids])).toEqual([
      [1, 2],
      [4, 5],
    ]);
  });

  it('never ends inside a picture of a later turn', () => {
    const chat: MediaRow = {
      prompt: Int32Array.from([1, 2]),
      responses: [answer('chosen', 3, 4, 90, 92, 91, 5)],
      media: [picture(56, 56)],
    };
    // 2 + 2 + start + 4 + end + 1 = 11; below 10 the picture goes as a whole
    for (const [limit, kept] of [
      [11, 6],
      [10, 5],
      [9, 2],
      [8, 2],
      [5, 2],
      [4, 2],
      [3, 1],
    ] as const) {
      const fitted = fitRow(chat, settings(limit, 'dropTurns'));
      expect([limit, fitted.row?.responses[0]!.ids.length]).toEqual([limit, kept]);
      expect(fitted.row!.media.length).toBe(kept >= 5 ? 1 : 0);
    }
  });

  it('holds for 500 random rows and limits: fits, whole pictures, answers learnable, or a reason', () => {
    let seed = 1;
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
    const outcomes = { kept: 0, changed: 0, dropped: 0 };
    for (let round = 0; round < 500; round++) {
      const sides = Array.from({ length: random(4) }, () => 20 + random(700));
      const length = 1 + random(30);
      const given: MediaRow = {
        ...row(...sides),
        responses: [
          answer('chosen', ...Array.from({ length }, () => random(60))),
          answer('rejected', ...Array.from({ length: 1 + random(30) }, () => random(60))),
        ],
      };
      const policy = (['shrink', 'dropTurns', 'dropRow'] as const)[random(3)]!;
      const options = settings(1 + random(900), policy);
      const fitted = fitRow(given, options);
      if (fitted.row === null) {
        expect(fitted.reason).toMatch(/too long/);
        outcomes.dropped += 1;
        continue;
      }
      outcomes[fitted.action === null ? 'kept' : 'changed'] += 1;
      expect(rowLength(fitted.row, options)).toBeLessThanOrEqual(options.maxLength);
      const { prompt, responses, media: kept } = fitted.row;
      expect(kept.length).toBe(
        padsIn(prompt, tokens) + responses.reduce((sum, { ids }) => sum + padsIn(ids, tokens), 0),
      );
      const sizes = kept.map((plan) => ({ kind: plan.kind, tokens: planTokens(plan, media) }));
      const expanded = expandPlaceholders(prompt, sizes, tokens, `round ${round}`).ids;
      mropePositions(expanded, kept, { tokens, mergeSize: 2, tokensPerSecond: null }); // throws on a cut picture
      for (const { counted } of responses) expect(counted.includes(1)).toBe(true);
    }
    expect(outcomes.kept + outcomes.changed + outcomes.dropped).toBe(500);
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(20);
  });
});
