// SPDX-License-Identifier: Apache-2.0
import type { NativeCalls } from '../signatures.js';

/** A measurement shorter than this says little. */
const leastMilliseconds = 10;
const rounds = 5;

/** Operations a second that products of this path reach at most, all threads together: the best of some rounds. */
export function productsPeak(kernels: NativeCalls, roundsFactors: boolean): number {
  const done = new Float32Array(1);
  const run = (steps: number) => {
    const began = performance.now();
    kernels.productsPeak({ rounds: roundsFactors, steps, done });
    return performance.now() - began;
  };
  let steps = 1000;
  while (run(steps) < leastMilliseconds) steps *= 2;
  return Math.max(...Array.from({ length: rounds }, () => (done[0]! * 1000) / run(steps)));
}
