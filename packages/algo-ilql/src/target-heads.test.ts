// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { staleTargets } from './target-heads.js';

describe('targets that stay what they were at random', () => {
  it('are warned of, with what they take over of Q in the run', () => {
    // 375 steps are 75 syncs: 1 − 0.999^75 = 0.0723
    expect(staleTargets({ alpha: 0.001, syncEvery: 5 }, 375)).toMatch(
      /by step 375 .* 7.2 % .* raise stage.alpha \(0.001\)/,
    );
  });

  it('are not where they follow within the run', () => {
    expect(staleTargets({ alpha: 0.1, syncEvery: 1 }, 100)).toBeNull();
    expect(staleTargets({ alpha: 0.001, syncEvery: 5 }, 3500)).toBeNull(); // 0.504
  });
});
