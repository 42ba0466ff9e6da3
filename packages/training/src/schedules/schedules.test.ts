// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { constant, cosine, inverseSqrt, linear, schedules, warmupStableDecay } from './schedules.js';

const defaults = (schedule: (typeof schedules)[number]) => {
  const parsed = schedule.options?.safeParse({});
  return (parsed?.success === true ? parsed.data : {}) as Record<string, unknown>;
};

describe.each(schedules.map((schedule) => [schedule.name, schedule] as const))('schedule %s', (_name, schedule) => {
  const factor = (step: number, total: number, warmup: number) =>
    schedule.factor(step, total, warmup, defaults(schedule));

  it('rises over the warm-up in equal parts to the peak', () => {
    expect([1, 2, 3, 4].map((step) => factor(step, 100, 4))).toEqual([0.25, 0.5, 0.75, 1]);
    expect(factor(5, 100, 4)).toBe(1);
  });

  it('is never zero at step 1, never negative or above 1', () => {
    for (const [total, warmup] of [
      [1, 0],
      [1, 1],
      [10, 0],
      [10, 10],
      [10, 3],
    ] as const) {
      expect(factor(1, total, warmup)).toBeGreaterThan(0);
      for (let step = 1; step <= total; step++) {
        expect(factor(step, total, warmup)).toBeGreaterThanOrEqual(0);
        expect(factor(step, total, warmup)).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe('the decays', () => {
  it('linear halves half-way', () => expect(linear.factor(51, 100, 0, {})).toBeCloseTo(0.5, 12));
  it('cosine at a third is ¾: ½(1 + cos π/3)', () =>
    expect(cosine.factor(34, 99, 0, defaults(cosine))).toBeCloseTo(0.75, 12));
  it('warmup_stable_decay stays at the peak until the last tenth', () => {
    const at = (step: number) => warmupStableDecay.factor(step, 100, 0, defaults(warmupStableDecay));
    expect(at(91)).toBe(1);
    expect(at(96)).toBeCloseTo(0.5, 12);
    expect(at(100)).toBeLessThan(0.03);
  });
  it('constant stays', () => expect(constant.factor(99, 100, 3, {})).toBe(1));
});

describe('after warm-up', () => {
  const oracle = JSON.parse(readFileSync(new URL('../../fixtures/schedules.json', import.meta.url), 'utf8')) as Record<
    string,
    number[]
  >;

  /** Options that the oracle was asked with; its last decay takes 4 of 20 steps. */
  const asked: Record<string, object> = {
    inverseSqrt: { timescale: 7 },
    polynomial: { power: 2, minimum: 0.05 },
    warmup_stable_decay: { decayRatio: 0.2 },
  };

  it('the inverse square root goes on from the end of warm-up', () => {
    const got = Array.from({ length: 15 }, (_, step) => inverseSqrt.factor(step + 6, 20, 5, defaults(inverseSqrt)));
    const want = oracle['inverseSqrt after 5 steps of warm-up']!.slice(5);
    for (const [step, factor] of want.entries()) expect(got[step]).toBeCloseTo(factor, 12);
  });

  it.each(schedules.map((schedule) => [schedule.name, schedule] as const))(
    "%s has Transformers' factors",
    (name, schedule) => {
      // It counts steps from 0.
      const options = { ...defaults(schedule), ...asked[name] };
      const got = Array.from({ length: 20 }, (_, step) => schedule.factor(step + 1, 20, 0, options));
      for (const [step, want] of oracle[name]!.entries()) expect(got[step]).toBeCloseTo(want, 12);
    },
  );
});
