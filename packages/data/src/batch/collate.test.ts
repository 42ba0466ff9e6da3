// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { randomWords } from '@llmf/core';
import type { Batch, EncodedRow, ResponseRole } from '@llmf/training';
import { collate, packedLength } from './collate.js';

const roles: readonly ResponseRole[] = ['chosen', 'rejected', 'response'];

/** A row whose ids are all different within a test, so that a leak between rows shows. */
function row(index: number, prompt: number, answers: readonly number[], masked: readonly number[] = []): EncodedRow {
  const id = (part: number, at: number) => index * 10_000 + part * 1000 + at;
  return {
    index,
    prompt: Int32Array.from({ length: prompt }, (_, at) => id(0, at)),
    responses: answers.map((length, answer) => ({
      ids: Int32Array.from({ length }, (_, at) => id(answer + 1, at)),
      counted: Uint8Array.from({ length }, (_, at) => (masked.includes(at) ? 0 : 1)),
      role: answers.length === 1 ? 'response' : roles[answer]!,
    })),
    weight: 1 + index / 2,
    extras: { margin: index / 4 },
    media: [`media-${index}`],
  };
}

/** The tokens that a packed token sees, itself included, in order of position: what attention makes of segments. */
function context(batch: Batch, at: number): number[] {
  const segment = batch.segments.find(({ start, length }) => at >= start && at < start + length)!;
  const own = batch.ids.slice(segment.start, at + 1);
  const prefix = segment.prefix === undefined ? null : batch.segments[segment.prefix]!;
  return prefix === null ? [...own] : [...batch.ids.slice(prefix.start, prefix.start + prefix.length), ...own];
}

/** Every target with its response's group and role, the tokens that predict it and the position it is predicted at. */
function predictions(batch: Batch): string[] {
  const { rows, targets, response, responses, positions } = batch;
  return [...targets]
    .map((target, s) => {
      const { [response[s]!]: role } = responses.role;
      const position = (positions as Int32Array)[rows[s]!];
      return `${responses.group[response[s]!]} ${role} ${context(batch, rows[s]!).join(',')} @${position} → ${target}`;
    })
    .sort();
}

const promptPredictions = (batch: Batch) =>
  [...batch.prompt.targets]
    .map((target, p) => `${batch.prompt.group[p]} ${context(batch, batch.prompt.rows[p]!).join(',')} → ${target}`)
    .sort();

describe('collate', () => {
  const once = collate([row(0, 3, [2, 4])], { promptOnce: true });
  const twice = collate([row(0, 3, [2, 4])], { promptOnce: false });

  it('runs a prompt once: its last token predicts the first token of both answers', () => {
    expect([...once.ids]).toEqual([0, 1, 2, 1000, 1001, 2000, 2001, 2002, 2003]);
    expect(once.segments).toEqual([
      { start: 0, length: 3 },
      { start: 3, length: 2, prefix: 0 },
      { start: 5, length: 4, prefix: 0 },
    ]);
    expect([...(once.positions as Int32Array)]).toEqual([0, 1, 2, 3, 4, 3, 4, 5, 6]);
    expect([...once.rows]).toEqual([2, 3, 2, 5, 6, 7]);
    expect([...once.targets]).toEqual([1000, 1001, 2000, 2001, 2002, 2003]);
    expect([...once.response]).toEqual([0, 0, 1, 1, 1, 1]);
    expect(once.responses).toMatchObject({
      group: Int32Array.of(0, 0),
      role: ['chosen', 'rejected'],
      tokens: Int32Array.of(2, 4),
    });
    expect([...once.prompt.rows, ...once.prompt.targets]).toEqual([0, 1, 1, 2]);
  });

  it('gives every answer its own copy of the prompt in the two-row form', () => {
    expect([...twice.ids]).toEqual([0, 1, 2, 1000, 1001, 0, 1, 2, 2000, 2001, 2002, 2003]);
    expect(twice.segments).toEqual([
      { start: 0, length: 5 },
      { start: 5, length: 7 },
    ]);
    expect([...twice.rows]).toEqual([2, 3, 7, 8, 9, 10]);
    // The prompt is scored once per group in both forms.
    expect([...twice.prompt.rows, ...twice.prompt.targets]).toEqual([0, 1, 1, 2]);
  });

  it('counts real tokens the same in both forms: the prompt once per answer', () => {
    expect([once.tokens, twice.tokens, once.ids.length, twice.ids.length]).toEqual([12, 12, 9, 12]);
    expect([true, false].map((promptOnce) => packedLength(row(0, 3, [2, 4]), { promptOnce }))).toEqual([9, 12]);
  });

  it('makes one segment of a prompt with one answer', () => {
    const batch = collate([row(0, 2, [3])], { promptOnce: true });
    expect(batch.segments).toEqual([{ start: 0, length: 5 }]);
    expect([...batch.rows]).toEqual([1, 2, 3]);
  });

  it('has no predictor for the first token of a row without a prompt', () => {
    const single = collate([row(0, 0, [3])], { promptOnce: true });
    expect([[...single.rows], [...single.targets], [...single.responses.tokens]]).toEqual([[0, 1], [1001, 1002], [2]]);
    for (const promptOnce of [true, false]) {
      const pair = collate([row(0, 0, [3, 2])], { promptOnce });
      expect(pair.segments).toEqual([
        { start: 0, length: 3 },
        { start: 3, length: 2 },
      ]);
      expect([...pair.targets]).toEqual([1001, 1002, 2001]);
    }
  });

  it('leaves masked tokens out of the targets but not out of the row', () => {
    const batch = collate([row(0, 1, [4], [0, 2])], { promptOnce: true });
    expect([[...batch.targets], [...batch.rows], [...batch.responses.tokens]]).toEqual([[1001, 1003], [1, 3], [2]]);
  });

  it('says where the own tokens of each answer lie', () => {
    const places = (batch: Batch) => [[...batch.responses.start], [...batch.responses.length]];
    expect(places(once)).toEqual([
      [3, 5],
      [2, 4],
    ]);
    expect(places(twice)).toEqual([
      [3, 8],
      [2, 4],
    ]);
  });

  it('carries numbers of answers, and those of counted tokens only', () => {
    const { responses, ...rest } = row(0, 2, [2, 2], [0]);
    const numbers = [
      { extras: { reward: 1 }, tokenExtras: { advantage: Float32Array.of(0.5, 0.25) } },
      { extras: { reward: -1 }, tokenExtras: { advantage: Float32Array.of(2, 4) } },
    ];
    const filled = { ...rest, responses: responses.map((each, at) => ({ ...each, ...numbers[at]! })) };
    const batch = collate([filled], { promptOnce: true });
    expect([...batch.responses.extras['reward']!]).toEqual([1, -1]);
    expect([...batch.tokenExtras['advantage']!]).toEqual([0.25, 4]);
    const lacking = { ...filled, responses: [filled.responses[0]!, responses[1]!] };
    expect(() => collate([lacking], { promptOnce: true })).toThrow('LLMF_DATA_EXTRA_MISSING');
  });

  it('carries weights, extras, media and row numbers by group', () => {
    const batch = collate([row(2, 1, [1, 1]), row(5, 1, [1, 1])], { promptOnce: true });
    expect([...batch.responses.weight]).toEqual([2, 2, 3.5, 3.5]);
    expect([...batch.extras['margin']!]).toEqual([0.5, 1.25]);
    expect(batch.media).toEqual(['media-2', 'media-5']);
    expect([...batch.rowIndices]).toEqual([2, 5]);
    expect(batch.groups).toBe(2);
  });

  it('refuses a batch in which one row lacks a number that another has', () => {
    const lacking = { ...row(1, 1, [1, 1]), extras: {} };
    expect(() => collate([row(0, 1, [1, 1]), lacking], { promptOnce: true })).toThrow(/margin/);
  });

  it('predicts the same targets from the same contexts in both forms, and no token sees another row', () => {
    const words = randomWords({ seed: 3, stream: 'collate', step: 0, microbatch: 0 }, 'lengths', 1200);
    for (let trial = 0; trial < 60; trial++) {
      const word = (at: number) => words[trial * 20 + at]!;
      const rows = Array.from({ length: 1 + (word(0) % 4) }, (_, index) =>
        row(
          index,
          word(4 * index + 1) % 6,
          Array.from(
            { length: 1 + (word(4 * index + 2) % 3) },
            (__, answer) => 1 + ((word(4 * index + 3) >>> (5 * answer)) % 7),
          ),
          [word(4 * index + 4) % 9],
        ),
      );
      const [shared, copied] = [collate(rows, { promptOnce: true }), collate(rows, { promptOnce: false })];
      expect(predictions(shared)).toEqual(predictions(copied));
      expect(promptPredictions(shared)).toEqual(promptPredictions(copied));
      expect([...shared.responses.tokens]).toEqual([...copied.responses.tokens]);
      for (const batch of [shared, copied]) {
        expect([...batch.response]).toEqual([...batch.response].sort((a, b) => a - b));
        for (let at = 0; at < batch.ids.length; at++) {
          const seen = context(batch, at);
          const rowOf = (id: number) => Math.floor(id / 10_000);
          const partOf = (id: number) => Math.floor((id % 10_000) / 1000);
          expect(seen.every((id) => rowOf(id) === rowOf(seen.at(-1)!))).toBe(true);
          // At most one answer beside the prompt.
          expect(new Set(seen.map(partOf).filter((part) => part > 0)).size).toBeLessThanOrEqual(1);
          expect((batch.positions as Int32Array)[at]).toBe(seen.length - 1);
        }
      }
    }
  });
});

describe('collate for an encoder–decoder', () => {
  const options = { promptOnce: true, decoderStart: 7 };
  const rows = [row(0, 3, [2, 4]), row(1, 2, [1])];

  it('gives the prompt to the encoder once, and each answer to the decoder behind its first token', () => {
    const batch = collate(rows, options);
    expect([...batch.ids]).toEqual([0, 1, 2, 7, 1000, 1001, 7, 2000, 2001, 2002, 2003, 10_000, 10_001, 7, 11_000]);
    expect(batch.segments).toEqual([
      { start: 0, length: 3 },
      { start: 3, length: 3, source: 0 },
      { start: 6, length: 5, source: 0 },
      { start: 11, length: 2 },
      { start: 13, length: 2, source: 3 },
    ]);
    expect([...(batch.positions as Int32Array)]).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2, 3, 4, 0, 1, 0, 1]);
    expect([...batch.rows]).toEqual([3, 4, 6, 7, 8, 9, 13]);
    expect([...batch.targets]).toEqual([1000, 1001, 2000, 2001, 2002, 2003, 11_000]);
    expect([...batch.responses.start]).toEqual([4, 7, 14]);
    expect(batch.prompt.rows).toHaveLength(0);
    expect(batch.ids).toHaveLength(rows.reduce((sum, each) => sum + packedLength(each, options), 0));
  });

  it('is the same in the two-row form', () => {
    expect(collate(rows, { ...options, promptOnce: false })).toEqual(collate(rows, options));
  });

  it('refuses a row without a prompt', () => {
    expect(() => collate([row(4, 0, [2])], options)).toThrow(/LLMF_DATA_NO_SOURCE[^]*row 5/);
  });
});
