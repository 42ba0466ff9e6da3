// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ScoreWatch } from './score-watch.js';

function watch(totalSteps: number) {
  const warnings: string[] = [];
  const logger = { info: () => {}, warn: (line: string) => void warnings.push(line) };
  return { warnings, scores: new ScoreWatch({ logger, totalSteps }) };
}

describe('a run whose rewards score nothing', () => {
  it('warns once, and ends after ten steps', () => {
    const { warnings, scores } = watch(100);
    for (let step = 1; step < 10; step++) scores.see(step, [null, null]);
    expect(warnings).toEqual(['step 1: no reward scored any of 2 answers; nothing is learned from them']);
    expect(() => scores.see(10, [null, null])).toThrow(/LLMF_ROLLOUTS_NOTHING_SCORED[^]*10 steps/);
  });

  it('does not end as if it were finished', () => {
    const { scores } = watch(2);
    scores.see(1, [null]);
    expect(() => scores.see(2, [null])).toThrow('LLMF_ROLLOUTS_NOTHING_SCORED');
  });

  it('is well once a step had a score', () => {
    const { scores } = watch(30);
    for (let step = 1; step <= 30; step++) scores.see(step, [step === 9 ? 0 : null]);
  });
});
