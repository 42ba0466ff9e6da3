// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FreeRanges } from './free-ranges.js';

describe('FreeRanges', () => {
  it('gives ranges first fit, null where none is long enough', () => {
    const ranges = new FreeRanges(10);
    expect([ranges.take(4), ranges.take(3), ranges.take(4), ranges.take(3)]).toEqual([0, 4, null, 7]);
    expect(ranges.take(1)).toBeNull();
  });

  it('joins neighbours that are given back', () => {
    const ranges = new FreeRanges(9);
    for (let i = 0; i < 3; i++) ranges.take(3);
    ranges.giveBack(0, 3);
    ranges.giveBack(6, 3);
    expect(ranges.take(4)).toBeNull();
    ranges.giveBack(3, 3);
    expect(ranges.take(9)).toBe(0);
  });
});
