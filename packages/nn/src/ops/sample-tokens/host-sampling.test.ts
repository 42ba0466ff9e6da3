// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { likeliest, sample } from './host-sampling.js';

/** Probabilities 0.1, 0.4, 0.2, 0.3. */
const logits = Float32Array.from([0.1, 0.4, 0.2, 0.3], Math.log);
const drawn = (options: Parameters<typeof sample>[2]) => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 1000; i++) counts[sample(logits, (i + 0.5) / 1000, options)!]!++;
  return counts;
};

describe('sample', () => {
  it('draws each token with its probability', () => {
    expect(drawn({})).toEqual([100, 400, 200, 300]);
  });

  it('with temperature ½ with the squares', () => {
    // 0.01, 0.16, 0.04, 0.09 of 0.3
    expect(drawn({ temperature: 0.5 })).toEqual([33, 534, 133, 300]);
  });

  it('keeps the k likeliest', () => {
    expect(drawn({ topK: 2 })).toEqual([0, 571, 0, 429]); // 4 : 3
    expect(drawn({ topK: 9 })).toEqual([100, 400, 200, 300]);
  });

  it('keeps the likeliest that first reach the share', () => {
    expect(drawn({ topP: 0.65 })).toEqual([0, 571, 0, 429]);
    expect(drawn({ topP: 0.71 })).toEqual([0, 444, 222, 334]); // 4 : 3 : 2 of 1000
    expect(drawn({ topP: 0.01 })).toEqual([0, 1000, 0, 0]);
  });

  it('applies the share to what top-k left', () => {
    expect(drawn({ topK: 2, topP: 0.5 })).toEqual([0, 1000, 0, 0]); // 4/7 reaches a half
  });

  it('keeps what is likely enough beside the likeliest', () => {
    expect(drawn({ minP: 0.6 })).toEqual([0, 571, 0, 429]); // 0.3 / 0.4 = 0.75, 0.2 / 0.4 = 0.5
  });

  it('takes the likeliest at temperature 0, of equal ones the first', () => {
    expect(sample(Float32Array.of(1, 3, 3), 0.99, { temperature: 0 })).toBe(1);
  });

  it('makes what was written less likely', () => {
    const penalized = (values: number[], seen: number[]) =>
      sample(Float32Array.from(values), 0, { temperature: 0, repetitionPenalty: 2 }, seen);
    expect(penalized([2, 1.5], [])).toBe(0);
    expect(penalized([2, 1.5], [0, 0])).toBe(1); // 2 / 2, once
    expect(penalized([-1, -1.5], [0])).toBe(1); // −1 · 2
  });

  it('gives no token where the logits are no numbers', () => {
    expect(sample(Float32Array.of(1, Number.NaN), 0.5, {})).toBeNull();
    expect(sample(Float32Array.of(-Infinity, -Infinity), 0.5, {})).toBeNull();
  });

  it('gives a token for every draw, however the sums round', () => {
    expect(sample(logits, 0, {})).toBe(0);
    expect(sample(logits, 1 - 2 ** -24, {})).toBe(3);
    expect(sample(Float32Array.of(-Infinity, 5, -Infinity), 1 - 2 ** -24, {})).toBe(1);
  });
});

describe('likeliest', () => {
  it('takes the first of equal ones', () => expect(likeliest(Float32Array.of(1, 3, 3))).toBe(1));
});
