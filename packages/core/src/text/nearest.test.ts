// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { closest, editDistance, nearest } from './nearest.js';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3], // k→s, e→i, +g
    ['simpo', 'smipo', 1], // one swap of neighbours
    ['ca', 'abc', 3], // optimal string alignment never edits a swapped pair again
    ['gamma', 'gama', 1],
  ])('of %j and %j is %i', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
    expect(editDistance(to, from)).toBe(distance);
  });
});

describe('nearest', () => {
  it('lists every known name, the most similar first', () => {
    expect(nearest('smipo', ['dpo', 'orpo', 'simpo'])).toEqual(['simpo', 'dpo', 'orpo']);
  });
  it('keeps the given order among equals', () => {
    expect(nearest('zzz', ['bbb', 'aaa'])).toEqual(['bbb', 'aaa']);
  });
});

describe('closest', () => {
  it('sees through another spelling habit', () => {
    expect(closest('learning_rate', ['learningRate', 'warmupRatio'])).toBe('learningRate');
  });
  it('takes a part of a name for the name', () => {
    expect(closest('accumulation', ['gradientAccumulation', 'epochs'])).toBe('gradientAccumulation');
  });
  it('is null when nothing is similar', () => {
    expect(closest('foo', ['learningRate', 'epochs'])).toBeNull();
    expect(closest('foo', [])).toBeNull();
  });
});
