// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { roundRange, ticks } from './ticks.js';

describe('ticks', () => {
  it.each([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 100, 8, [0, 20, 40, 60, 80, 100]],
    [0.3, 0.7, 4, [0.3, 0.4, 0.5, 0.6, 0.7]],
    [-5, 5, 5, [-4, -2, 0, 2, 4]],
    [0, 3e-5, 3, [0, 1e-5, 2e-5, 3e-5]],
  ])('from %d to %d are round numbers', (low, high, count, expected) => {
    expect(ticks(low, high, count)).toEqual(expected);
  });
});

describe('roundRange', () => {
  it.each([
    [
      [0.11, 0.69],
      [0, 0.8],
    ],
    [
      [3, 3],
      [2.6, 3.4],
    ],
    [
      [0, 0],
      [-1, 1],
    ],
    [[], [0, 1]],
  ])('of %j holds them and is never empty', (values, [low, high]) => {
    const range = roundRange(values, 5);
    expect(range[0]).toBeCloseTo(low!, 1);
    expect(range[1]).toBeCloseTo(high!, 1);
    expect(range[1]).toBeGreaterThan(range[0]);
  });
});
