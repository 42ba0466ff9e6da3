// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { EncodedRow } from '@llmf/training';
import { cutIntoPasses, cutLengths } from './cut-into-passes.js';

const row = (index: number, prompt: number, answers: readonly number[]): EncodedRow => ({
  index,
  prompt: new Int32Array(prompt),
  responses: answers.map((length) => ({
    ids: new Int32Array(length),
    counted: new Uint8Array(length),
    role: 'response',
  })),
  weight: 1,
  extras: {},
  media: [],
});

describe('cutLengths', () => {
  const cut = (lengths: readonly number[], tokens: number | null, rows: number | null = null) =>
    cutLengths(lengths, { tokens, rows });

  it('makes as few passes as fit, in order', () => {
    expect(cut([9, 3, 15, 3], 18)).toEqual([
      [9, 3],
      [15, 3],
    ]);
    expect(cut([9, 3, 15, 3], 12)).toEqual([[9, 3], [15], [3]]);
    expect(cut([9, 3, 15, 3], null)).toEqual([[9, 3, 15, 3]]);
    expect(cut([], 12)).toEqual([]);
  });

  it('makes them as equally long as rows allow', () => {
    expect(cut([2, 2, 2, 2, 2, 2], 10)).toEqual([
      [2, 2, 2],
      [2, 2, 2],
    ]);
    expect(cut([4, 4, 4, 4, 3], 12)).toEqual([
      [4, 4],
      [4, 4, 3],
    ]); // not 12 and 7
  });

  it('lets a row above the limit go alone', () => {
    expect(cut([2, 50, 2, 2], 10)).toEqual([[2], [50], [2, 2]]);
    expect(cut([50], 10)).toEqual([[50]]);
  });

  it('keeps batches of rows where their number is the limit', () => {
    expect(cut([9, 3, 15, 3, 1], null, 2)).toEqual([[9, 3], [15, 3], [1]]);
  });
});

it('cutIntoPasses counts a row as it is packed: its prompt once, or with each answer', () => {
  const rows = [row(0, 3, [2, 4]), row(1, 1, [1, 1]), row(2, 5, [5, 5]), row(3, 1, [1, 1])];
  const indices = (promptOnce: boolean, tokens: number) =>
    cutIntoPasses(rows, { tokens, rows: null, promptOnce }).map((pass) => pass.map(({ index }) => index));
  expect(indices(true, 18)).toEqual([
    [0, 1],
    [2, 3],
  ]); // 9, 3, 15 and 3 tokens
  expect(indices(false, 18)).toEqual([[0, 1], [2], [3]]); // 12, 4, 20 and 4
});
