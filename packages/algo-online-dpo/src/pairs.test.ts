// SPDX-License-Identifier: Apache-2.0
import type { ScoredAnswer } from '@llmf/rollouts';
import { describe, expect, it } from 'vitest';
import { onlineDpoOptions } from './options.js';
import { pairOf } from './pairs.js';

const answer = (score: number | null, reason: 'stop' | 'length' = 'stop', tokens: Float32Array | null = null) =>
  ({ reward: { score, tokens, parts: {} }, sample: { reason } }) as unknown as ScoredAnswer;

describe('the pair of a group', () => {
  it('is its best and its worst answer, of equal ones the first', () => {
    const group = [answer(1), answer(3), answer(-2), answer(3), answer(-2)];
    expect(pairOf(group, null)).toEqual({ chosen: group[1], rejected: group[2], margin: 5 });
  });

  it('counts what tokens got, and what a cut-off answer loses', () => {
    const group = [answer(1, 'stop', Float32Array.of(0.5, 0.25)), answer(2, 'length'), answer(1.5)];
    expect(pairOf(group, null)).toMatchObject({ chosen: group[1], rejected: group[2] });
    expect(pairOf(group, 1)).toEqual({ chosen: group[0], rejected: group[1], margin: 0.75 });
  });

  it('is none where the scores are equal, or fewer than two are there', () => {
    expect(pairOf([answer(1), answer(1)], null)).toBeNull();
    expect(pairOf([answer(1), answer(null)], null)).toBeNull();
  });
});

it('the options have TRL’s defaults', () =>
  expect(onlineDpoOptions.parse({})).toMatchObject({ answers: 2, temperature: 0.9, maxNewTokens: 64 }));
