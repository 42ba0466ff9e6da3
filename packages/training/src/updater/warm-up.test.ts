// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { unreachedPeak, warmupIn } from './warm-up.js';

describe('warm-up', () => {
  it('is a share of the run, rounded up, unless steps are named', () => {
    expect(warmupIn({ warmupRatio: 0.1, warmupSteps: null }, 101)).toBe(11);
    expect(warmupIn({ warmupRatio: 0.1, warmupSteps: 0 }, 101)).toBe(0);
  });

  it('that is longer than the run is told with the share of the peak that the rate reaches', () => {
    expect(unreachedPeak({ warmupRatio: 0, warmupSteps: 300 }, 100)).toBe(
      'train.warmupSteps 300 is more than the run’s 100 steps: the learning rate ends at 33 % of its peak',
    );
    expect(unreachedPeak({ warmupRatio: 0, warmupSteps: 5000 }, 2)).toContain('at 0.04 % of its peak');
  });

  it.each([100, 99, 0, null])('of %s steps in a run of 100 says nothing: its last step has the peak', (warmupSteps) => {
    expect(unreachedPeak({ warmupRatio: 1, warmupSteps }, 100)).toBeNull();
  });
});
