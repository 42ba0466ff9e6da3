// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { pairsByScore, rankingsByScore } from './by-reward.js';
import type { SampleRow } from './sample-row.js';

const row = (...texts: string[]): SampleRow =>
  ({ row: 1, prompt: 'Q', samples: texts.map((text) => ({ text, reason: 'stop' })) }) as unknown as SampleRow;

describe('answers by their scores', () => {
  it('make a ranking with one answer of each score, for a ranking has no ties', () => {
    const rankings = rankingsByScore([row('a', 'b', 'c', 'd')], [[0.5, 0.2, 0.5, 0.9]]);
    expect(rankings).toEqual([{ prompt: 'Q', responses: ['d', 'a', 'b'], scores: [0.9, 0.5, 0.2] }]);
    expect(rankingsByScore([row('a', 'b')], [[1, 1]])).toEqual([]);
  });

  it('leave out what has no score, what stands there twice, and empty answers', () => {
    const rankings = rankingsByScore([row('a', '', 'b', 'b', 'c')], [[1, 5, 2, 2, null]]);
    expect(rankings).toEqual([{ prompt: 'Q', responses: ['b', 'a'], scores: [2, 1] }]);
    expect(pairsByScore([row('', 'a', 'b')], [[9, 1, 2]], 0)).toEqual([{ prompt: 'Q', chosen: 'b', rejected: 'a' }]);
  });
});
