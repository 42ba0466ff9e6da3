// SPDX-License-Identifier: Apache-2.0
import { randomWords } from '@llmf/core';

/** Numbers of one trial: the same whatever else ran, so that a sweep that is gone on with draws the same. */
export class Draws {
  constructor(
    private readonly seed: number,
    private readonly trial: number,
  ) {}

  /** Uniform in [0, 1), 53 bits each. */
  uniforms(site: string, count: number): number[] {
    const key = { seed: this.seed, stream: 'sweep', step: this.trial, microbatch: 0 };
    const words = randomWords(key, site, 2 * count);
    return Array.from({ length: count }, (_, at) => {
      const [high, low] = [words[2 * at]! >>> 5, words[2 * at + 1]! >>> 6];
      return (high * 67108864 + low) / 9007199254740992;
    });
  }

  uniform(site: string): number {
    return this.uniforms(site, 1)[0]!;
  }
}
