// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { smoothed } from './smoothed.js';

describe('smoothed', () => {
  it('leaves a constant and the first point as they are', () => {
    expect(
      smoothed([
        [1, 3],
        [2, 3],
        [3, 3],
      ]).map(([, y]) => y),
    ).toEqual([3, 3, 3]);
    expect(smoothed([[5, 0.25]])).toEqual([[5, 0.25]]);
  });
  it('weighs the newest of two points by 1/(1 + keep), keep = 2/3 for a window of 5', () => {
    // weights: new (1 − 2/3), old (1 − 2/3)·2/3 → new share 1 / (1 + 2/3) = 0.6
    expect(
      smoothed([
        [1, 0],
        [2, 1],
      ])[1]![1],
    ).toBeCloseTo(0.6, 12);
  });
});
