// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { createSampler } from './sampler.js';

const sampler = (given: Partial<Parameters<typeof createSampler>[0]> = {}) =>
  createSampler({ length: 10, rowsPerStep: 4, seed: 7, shuffle: true, world: { rank: 0, size: 1 }, ...given });

const epochOf = (given: Partial<Parameters<typeof createSampler>[0]>, epoch: number) => {
  const made = sampler(given);
  return Array.from({ length: made.stepsPerEpoch }, (_, at) =>
    made.indices(epoch * made.stepsPerEpoch + at + 1),
  ).flat();
};

describe('createSampler', () => {
  it('visits every row exactly once in an epoch; the last step takes what is left', () => {
    expect(sampler().stepsPerEpoch).toBe(3);
    for (const epoch of [0, 1, 7])
      expect(epochOf({}, epoch).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([1, 2, 3, 4].map((step) => sampler().indices(step).length)).toEqual([4, 4, 2, 4]);
  });

  it('draws another order for another epoch and another seed', () => {
    const orders = [epochOf({}, 0), epochOf({}, 1), epochOf({ seed: 8 }, 0)].map(String);
    expect(new Set(orders).size).toBe(3);
  });

  it('knows the rows of any step from the step alone', () => {
    const straight = sampler();
    const all = Array.from({ length: 30 }, (_, at) => straight.indices(at + 1));
    const jumping = sampler();
    for (const step of [30, 1, 17, 4, 16, 29]) expect(jumping.indices(step)).toEqual(all[step - 1]);
  });

  it('keeps the file’s order without shuffling', () => {
    expect(epochOf({ shuffle: false }, 3)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('shares a step out among ranks: together they take the same rows', () => {
    const parts = [0, 1, 2].map((rank) => sampler({ world: { rank, size: 3 } }).indices(2));
    expect(parts.map(({ length }) => length)).toEqual([2, 1, 1]);
    expect(parts.flat().toSorted()).toEqual([...sampler().indices(2)].toSorted());
  });

  it('is fair: over many epochs every row comes first about equally often', () => {
    // 10 rows, 2,000 epochs: 200 expected, standard deviation √(2000·0.1·0.9) = 13.4; five of them allowed.
    const counts = Array.from({ length: 10 }, () => 0);
    const made = sampler({ rowsPerStep: 10 });
    for (let epoch = 1; epoch <= 2000; epoch++) counts[made.indices(epoch)[0]!]!++;
    for (const count of counts) expect(Math.abs(count - 200)).toBeLessThan(67);
  });
});
