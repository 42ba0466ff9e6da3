// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { continuation, negativeWords, openings, positiveWords, randomNumbers, vocabulary } from './reviews.mjs';
import reward from './reward.mjs';

const random = randomNumbers(1);
const reviews = Array.from({ length: 2000 }, () => continuation(random));
const rewards: number[] = reward(reviews.map((answer) => ({ answer })));

describe('the reviews', () => {
  it('are written in the words of the tokenizer', () => {
    const known = new Set(vocabulary);
    expect([...openings, ...reviews].flatMap((text) => text.split(' ')).filter((word) => !known.has(word))).toEqual([]);
    expect(known.size).toBe(vocabulary.length);
  });

  it('are as often kind as unkind', () => {
    // 2 to 3 judgements of one kind each: standard deviation of a review about 0.4
    const mean = rewards.reduce((sum, each) => sum + each, 0) / rewards.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });

  it('are the same for the same seed', () => {
    const [one, other] = [randomNumbers(7), randomNumbers(7)];
    expect(Array.from({ length: 5 }, () => continuation(one))).toEqual(
      Array.from({ length: 5 }, () => continuation(other)),
    );
  });
});

it('the reward is the share of kind words among those that judge', () => {
  const answers = [`the ${positiveWords[0]} and ${negativeWords[0]}`, `${positiveWords[1]} .`, 'the film .'];
  expect(reward(answers.map((answer) => ({ answer })))).toEqual([0.5, 1, 0.5]);
});
