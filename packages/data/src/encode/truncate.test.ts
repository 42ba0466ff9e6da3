// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { randomWords } from '@llmf/core';
import { RowProblem } from '../readers/row-reader.js';
import { countedTokens, longestLength, type EncodedParts } from './encoded-parts.js';
import { budget, truncateRow, type Truncation } from './truncate.js';

const policies: readonly Truncation[] = ['keepStart', 'keepEnd', 'proportional'];
const range = (first: number, length: number) => Int32Array.from({ length }, (_, at) => first + at);

/** Prompt ids 0, 1, …; chosen 1000, 1001, …; rejected 2000, 2001, …. */
const pair = (prompt: number, chosen: number, rejected: number): EncodedParts => ({
  prompt: range(0, prompt),
  responses: [
    { ids: range(1000, chosen), counted: new Uint8Array(chosen).fill(1), role: 'chosen' },
    { ids: range(2000, rejected), counted: new Uint8Array(rejected).fill(1), role: 'rejected' },
  ],
  weight: 1,
  extras: {},
  media: [],
});
const ids = ({ prompt, responses }: EncodedParts) => [[...prompt], ...responses.map((response) => [...response.ids])];

describe('truncateRow', () => {
  it('leaves a row alone that fits', () => {
    const row = pair(4, 3, 4);
    for (const policy of policies) expect(truncateRow(row, policy, 8, null)).toBe(row);
  });

  it('keepStart cuts the answers’ ends; both keep the same prompt', () => {
    expect(ids(truncateRow(pair(4, 3, 6), 'keepStart', 8, null))).toEqual([
      [0, 1, 2, 3],
      [1000, 1001, 1002],
      [2000, 2001, 2002, 2003],
    ]);
  });

  it('keepEnd cuts the prompt’s beginning, and answers only where they are longer than everything', () => {
    expect(ids(truncateRow(pair(4, 3, 6), 'keepEnd', 8, null))).toEqual([
      [2, 3],
      [1000, 1001, 1002],
      [2000, 2001, 2002, 2003, 2004, 2005],
    ]);
    expect(ids(truncateRow(pair(4, 3, 6), 'keepEnd', 5, null))).toEqual([
      [],
      [1000, 1001, 1002],
      [2001, 2002, 2003, 2004, 2005],
    ]);
  });

  it('proportional keeps a part whole that needs less than half the room', () => {
    // Answer 3 of 8: the prompt gives way. Prompt 2 of 8: the answer gives way.
    expect(ids(truncateRow(pair(20, 3, 2), 'proportional', 8, null))[0]).toEqual([0, 1, 2, 3, 4]);
    expect(ids(truncateRow(pair(2, 30, 5), 'proportional', 8, null)).slice(1)).toEqual([
      [1000, 1001, 1002, 1003, 1004, 1005],
      [2000, 2001, 2002, 2003, 2004],
    ]);
    // Half the room is not less: int(8 · 4 / 9) = 3.
    expect(budget('proportional', 5, 4, 8)).toEqual({ prompt: 5, answer: 3, answersKeep: 'start' });
    // Both large: 30 and 10 share 8 as 6 and 2.
    expect(budget('proportional', 30, 10, 8)).toEqual({ prompt: 6, answer: 2, answersKeep: 'start' });
  });

  it('keeps bos at the front of a prompt that loses its beginning', () => {
    expect(ids(truncateRow(pair(20, 3, 2), 'keepEnd', 8, 0))[0]).toEqual([0, 16, 17, 18, 19]);
    expect(ids(truncateRow(pair(20, 3, 2), 'keepEnd', 8, 7))[0]).toEqual([15, 16, 17, 18, 19]);
  });

  it('drops a row whose answer would be empty, or whose answers would be equal', () => {
    expect(() => truncateRow(pair(8, 3, 2), 'keepStart', 8, null)).toThrow(
      /too long \(prompt 8, longest answer 3, maxLength 8 tokens\)/,
    );
    const twins = pair(4, 6, 6);
    const same = {
      ...twins,
      responses: twins.responses.map((response, at) => ({ ...response, ids: Int32Array.of(1, 2, 3, 4, at, 6) })),
    };
    expect(() => truncateRow(same, 'keepStart', 8, null)).toThrow(/chosen equals rejected after cutting/);
  });

  it('drops a row whose only counted tokens were cut off', () => {
    const row = pair(2, 6, 6);
    const late = {
      ...row,
      responses: row.responses.map((response) => ({ ...response, counted: Uint8Array.of(0, 0, 0, 0, 0, 1) })),
    };
    expect(() => truncateRow(late, 'keepStart', 6, null)).toThrow(RowProblem);
    expect(truncateRow(late, 'keepEnd', 6, null).responses[0]!.counted.at(-1)).toBe(1);
  });

  it('never exceeds the limit and never leaves an answer without a counted token, whatever the lengths', () => {
    const words = randomWords({ seed: 1, stream: 'truncate', step: 0, microbatch: 0 }, 'lengths', 4000);
    let cut = 0;
    let dropped = 0;
    for (let at = 0; at < 4000; at += 4) {
      const [prompt, chosen, rejected, limit] = [
        words[at]! % 40,
        1 + (words[at + 1]! % 30),
        1 + (words[at + 2]! % 30),
        2 + (words[at + 3]! % 40),
      ];
      for (const policy of policies) {
        const row = pair(prompt, chosen, rejected);
        try {
          const kept = truncateRow(row, policy, limit, null);
          expect(longestLength(kept)).toBeLessThanOrEqual(limit);
          if (longestLength(row) <= limit) continue;
          expect(longestLength(kept)).toBe(limit);
          for (const response of kept.responses) expect(countedTokens(kept.prompt, response)).toBeGreaterThan(0);
          cut++;
        } catch (error) {
          expect(error).toBeInstanceOf(RowProblem);
          dropped++;
        }
      }
    }
    expect([cut > 800, dropped > 50]).toEqual([true, true]);
  });
});
