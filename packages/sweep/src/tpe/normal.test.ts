// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { inverseNormal, logMass, normalBelow } from './normal.js';

/** Values of the normal distribution from mpmath 1.3 at 50 digits. */
describe('the normal distribution', () => {
  it.each([
    [-10, 7.619853024160527e-24],
    [-3, 0.0013498980316300946],
    [-0.5, 0.3085375387259869],
    [0, 0.5],
    [1.96, 0.9750021048517795],
    [2.9, 0.9981341866996161],
  ])('Φ(%d)', (x, expected) => {
    expect(Math.abs(normalBelow(x) / expected - 1)).toBeLessThan(1e-13);
  });

  it.each([1e-12, 1e-4, 0.02, 0.3, 0.5, 0.9, 0.99999])('Φ⁻¹(%d) is where Φ is that', (p) => {
    expect(Math.abs(normalBelow(inverseNormal(p)) / p - 1)).toBeLessThan(1e-12);
  });

  it('keeps masses far out in the tails', () => {
    // log(Φ(−30) − Φ(−31)): log Φ(−30) = −454.3212439563…, of which Φ(−31) is e^(−30.5) of it
    expect(logMass(-31, -30)).toBeCloseTo(-454.32124395634, 8);
    expect(logMass(30, 31)).toBe(logMass(-31, -30));
    expect(logMass(-1, 2)).toBeCloseTo(Math.log(normalBelow(2) - normalBelow(-1)), 14);
    expect(logMass(-Infinity, 0)).toBeCloseTo(Math.log(0.5), 14);
  });
});
