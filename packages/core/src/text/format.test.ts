// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, formatNumber } from './format.js';

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [123_456_789, '123 MB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it('counts memory in powers of two', () => {
    expect(formatBytes(1024, { binary: true })).toBe('1.0 KiB');
    expect(formatBytes(1.5 * 1024 ** 3, { binary: true })).toBe('1.5 GiB');
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0.0 s'],
    [4.16, '4.2 s'],
    [59.97, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3599.7, '1 h 00 min'],
    [7620, '2 h 07 min'],
    [Number.NaN, '?'],
    [Infinity, '?'],
  ])('%d seconds are %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe('formatNumber', () => {
  it.each([
    [0, '0'],
    [Math.LN2, '0.6931'],
    [5e-6, '5e-6'],
    [1.25e-4, '1.25e-4'],
    [0.1, '0.1'],
    [12345, '12345'],
    [-2_500_000, '-2.5e6'],
    [1e10, '1e10'],
    [Number.NaN, 'NaN'],
  ])('%d is %s', (value, text) => expect(formatNumber(value)).toBe(text));
});
