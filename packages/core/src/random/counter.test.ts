// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { normals, permutation, philox, uniforms, type RandomKey } from './counter.js';

const key: RandomKey = { seed: 7, stream: 'test', step: 3, microbatch: 1 };

describe('philox', () => {
  // Known answers of the Random123 distribution, kat_vectors, philox4x32 with 10 rounds.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ])('gives the published words for counter %j', (counter, keys, expected) => {
    const block = Uint32Array.from(counter);
    philox(block, keys[0]!, keys[1]!);
    expect([...block]).toEqual(expected);
  });
});

describe('draws', () => {
  it('depend on key, site and index alone: a longer draw begins with the shorter one', () => {
    expect([...uniforms(key, 'a', 100).subarray(0, 7)]).toEqual([...uniforms(key, 'a', 7)]);
    expect([...uniforms(key, 'a', 7)]).not.toEqual([...uniforms(key, 'b', 7)]);
    expect([...uniforms({ ...key, step: 4 }, 'a', 7)]).not.toEqual([...uniforms(key, 'a', 7)]);
  });

  it('from a later one on are the rest of all of them', () => {
    const all = [...uniforms(key, 'a', 20)];
    for (const first of [0, 1, 4, 6, 7]) expect([...uniforms(key, 'a', 9, first)]).toEqual(all.slice(first, first + 9));
  });

  it('have the moments of their distribution', () => {
    const n = 40_000;
    const mean = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0) / n;
    const square = (values: Float32Array) => mean(values.map((value) => value * value));
    // Standard error of the mean of n uniforms is 1/√(12 n) = 0.0014; of normals 0.005, of their square 0.007.
    expect(Math.abs(mean(uniforms(key, 'u', n)) - 0.5)).toBeLessThan(0.006);
    expect(Math.abs(mean(normals(key, 'n', n)))).toBeLessThan(0.02);
    expect(Math.abs(square(normals(key, 'n', n)) - 1)).toBeLessThan(0.03);
  });

  it('permute: every index once, evenly first', () => {
    expect([...permutation(key, 'p', 50)].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, i) => i));
    const first = Array.from({ length: 3000 }, (_, step) => permutation({ ...key, step }, 'p', 3)[0]!);
    for (const value of [0, 1, 2]) expect(first.filter((x) => x === value).length).toBeGreaterThan(850);
  });
});
