// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { grads, tf } from '@llmf/nn';
import type { Tensor1D } from '@llmf/nn';
import { pick } from './pick.js';
import { sortAscending } from './sort-ascending.js';
import { boundedExp, boundedExpm1, log1mExp, logSigmoid, stopGradient } from './stable-maths.js';

/** Value and derivative of an elementwise function at some points. */
function at(f: (x: Tensor1D) => Tensor1D, points: number[]): { values: number[]; slopes: number[] } {
  const x = tf.tensor1d(points);
  const { gradients } = grads((leaf: Tensor1D) => tf.sum(f(leaf)))([x]);
  return { values: [...f(x).dataSync()], slopes: [...gradients[0].dataSync()] };
}

/** Each within 3 float32 roundings of what double precision gives. */
function expectRounded(got: number[], expected: number[]): void {
  for (const [i, value] of expected.entries()) {
    expect(Math.abs(got[i]! - value), `${got[i]}, not ${value}`).toBeLessThanOrEqual(
      2e-7 * Math.max(1e-30, Math.abs(value)),
    );
  }
}

describe('stable maths', () => {
  it('logSigmoid is exact in both tails', () => {
    const points = [-1000, -50, -1, 0, 1, 5];
    const { values, slopes } = at(logSigmoid, points);
    expectRounded(
      values,
      points.map((x) => Math.min(x, 0) - Math.log1p(Math.exp(-Math.abs(x)))),
    );
    expectRounded(
      slopes,
      points.map((x) => 1 / (1 + Math.exp(x))),
    );
  });

  it('log1mExp does not cancel next to 0 or far from it', () => {
    const points = Array.from({ length: 60 }, (_, i) => Math.fround(-1e-6 * 1.32 ** i)); // to −13
    const { values, slopes } = at(log1mExp, points);
    expectRounded(
      values,
      points.map((x) => (x > -0.7 ? Math.log(-Math.expm1(x)) : Math.log1p(-Math.exp(x)))),
    );
    expectRounded(
      slopes,
      points.map((x) => -1 / Math.expm1(-x)),
    );
  });

  it('log1mExp stays finite at probability 1 and probability 0', () => {
    const { values, slopes } = at(log1mExp, [0, -200]);
    expect(values.every(Number.isFinite) && slopes.every(Number.isFinite)).toBe(true);
    expect(values[1]).toBeCloseTo(0, 12);
  });

  it('bounded exponentials stop at e^40, with slope 0 beyond', () => {
    expectRounded(at(boundedExp, [-2, 39, 1000]).values, [Math.exp(-2), Math.exp(39), Math.exp(40)]);
    expectRounded(at(boundedExp, [-2, 39, 1000]).slopes, [Math.exp(-2), Math.exp(39), 0]);
    expectRounded(at(boundedExpm1, [1e-6, 1000]).values, [Math.expm1(1e-6), Math.expm1(40)]);
    expectRounded(at(boundedExpm1, [1e-6, 1000]).slopes, [Math.exp(1e-6), 0]);
  });

  it('stopGradient keeps values and lets no gradient through', () => {
    expect(at((x) => tf.mul(stopGradient(x), x), [3, -2])).toEqual({ values: [9, 4], slopes: [3, -2] });
  });

  it('sortAscending sends gradients back to where the values came from', () => {
    const { values, slopes } = at((x) => tf.mul(sortAscending(x), tf.tensor1d([1, 2, 3, 4])), [5, -1, 7, 0]);
    expect(values).toEqual([-1, 0, 15, 28]);
    expect(slopes).toEqual([3, 1, 4, 2]);
  });

  it('pick sends gradients back, zero to what was left out', () => {
    const { values, slopes } = at((x) => tf.mul(pick(x, Int32Array.of(3, 0)), tf.tensor1d([10, 20])), [1, 2, 3, 4]);
    expect(values).toEqual([40, 20]);
    expect(slopes).toEqual([20, 0, 0, 10]);
  });
});
