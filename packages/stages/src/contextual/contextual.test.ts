// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { EncodedRow } from '@llmf/training';
import { middleLast } from './fill-in-the-middle.js';
import { prefixAndRest } from './prefix.js';
import { rewriting, type Rewrite } from './rewrite.js';
import { spanCounts, spansToSentinels, type SpanSettings } from './span-corruption.js';

const text = Array.from({ length: 100 }, (_, at) => 100 + at);
/** A text between <s> 1 and </s> 2. */
const rowOf = (index: number, ids: readonly number[] = [1, ...text, 2]): EncodedRow => ({
  index,
  prompt: new Int32Array(0),
  responses: [{ ids: Int32Array.from(ids), counted: new Uint8Array(ids.length).fill(1), role: 'response' }],
  weight: 1,
  extras: {},
  media: [],
});
const train = { split: 'train', step: 1 } as const;
const rewritten = (rewrite: Rewrite, row = rowOf(0), place: { split: 'train' | 'eval'; step: number } = train) => {
  const { prompt, responses } = rewriting(7, new Set([1, 2]), rewrite)(row, place);
  return { prompt: [...prompt], answer: [...responses[0]!.ids], counted: [...responses[0]!.counted] };
};

const spans: SpanSettings = { density: 0.15, spanLength: 3, sentinels: [50, 51, 52, 53, 54, 55, 56, 57] };
/** The text again: each sentinel of the prompt gives way to what follows it in the answer. */
function joined(prompt: readonly number[], answer: readonly number[]): number[] {
  const hidden = new Map<number, number[]>();
  for (const id of answer) {
    if (id >= 50 && id < 60) hidden.set(id, []);
    else [...hidden.values()].at(-1)!.push(id);
  }
  return prompt.flatMap((id) => hidden.get(id) ?? [id]);
}

describe('span corruption', () => {
  it('hides T5’s number of tokens in T5’s number of spans', () => {
    expect(spanCounts(512, { ...spans, sentinels: Array.from({ length: 100 }, (_, at) => at) })).toEqual({
      hidden: 77,
      spans: 26,
    });
    expect(spanCounts(100, spans)).toEqual({ hidden: 15, spans: 5 });
    expect(spanCounts(2, spans)).toEqual({ hidden: 1, spans: 1 });
    expect(spanCounts(1, spans)).toBeNull();
  });

  it('puts sentinels in order, which give the text back, and is no longer than it', () => {
    for (let index = 0; index < 20; index++) {
      const { prompt, answer, counted } = rewritten(spansToSentinels(spans), rowOf(index));
      const length = prompt.length + answer.length;
      expect(length).toBeLessThanOrEqual(102);
      expect(length).toBeGreaterThanOrEqual(100);
      const whole = joined(prompt.slice(1), answer.slice(0, -1));
      expect(whole).toEqual(text.slice(0, whole.length));
      expect(prompt[0]).toBe(1);
      expect(answer.at(-1)).toBe(2);
      const order = answer.filter((id) => id >= 50 && id < 60);
      expect(order).toEqual(spans.sentinels.slice(0, order.length));
      expect(counted).toEqual(answer.map(() => 1));
    }
  });

  it('leaves a text without room for a sentinel as it is', () => {
    expect(rewritten(spansToSentinels(spans), rowOf(0, [1, 100, 2])).answer).toEqual([1, 100, 2]);
  });

  it('cuts everywhere alike: the first kept stretch of 6 tokens in 2 spans has 1 to 4 tokens', () => {
    const lengths = Array.from({ length: 400 }, (_, index) => {
      const draw = (name: string, count: number) =>
        Float32Array.from(
          { length: count },
          (_one, at) => Math.abs(Math.sin((index + 1) * 12.9898 * (at + 1) + name.length)) % 1,
        );
      const given = spansToSentinels({ ...spans, density: 0.3, spanLength: 1 })(text.slice(0, 7), draw, 99)!;
      return given.prompt.indexOf(50);
    });
    expect([...new Set(lengths)].sort()).toEqual([1, 2, 3, 4]); // of 5 kept in 2 stretches
  });
});

describe('a prefix', () => {
  it('and the rest are the text, cut anywhere', () => {
    const cuts = Array.from({ length: 200 }, (_, index) => {
      const { prompt, answer } = rewritten(prefixAndRest, rowOf(index));
      expect([...prompt, ...answer]).toEqual([1, ...text, 2]);
      return prompt.length;
    });
    expect(Math.min(...cuts)).toBeLessThan(12);
    expect(Math.max(...cuts)).toBeGreaterThan(90);
  });
});

describe('the middle', () => {
  const settings = { rate: 1, suffixFirst: 0, marks: [90, 91, 92] as const };
  const parts = (ids: readonly number[], marks: readonly number[]) => marks.map((mark) => ids.indexOf(mark));

  it('stands at the end, behind prefix and suffix', () => {
    const { prompt, answer, counted } = rewritten(middleLast(settings));
    expect(prompt).toEqual([1]);
    const [pre, suf, mid] = parts(answer, settings.marks) as [number, number, number];
    expect(pre).toBe(0);
    const [prefix, suffix, middle] = [answer.slice(1, suf), answer.slice(suf + 1, mid), answer.slice(mid + 1, -1)];
    expect([...prefix, ...middle, ...suffix]).toEqual(text.slice(0, 97)); // three marks take three tokens' room
    expect(counted.every((each) => each === 1)).toBe(true);
  });

  it('with the suffix first, goes on with prefix and middle', () => {
    const { answer } = rewritten(middleLast({ ...settings, suffixFirst: 1 }));
    const [pre, suf, mid] = parts(answer, settings.marks) as [number, number, number];
    expect([pre, suf]).toEqual([0, 1]);
    expect([...answer.slice(mid + 1, -1), ...answer.slice(2, mid)]).toEqual(text.slice(0, 97));
  });

  it('is moved in the share of the texts that is asked for', () => {
    const rewrite = middleLast({ ...settings, rate: 0.3 });
    const moved = Array.from({ length: 1000 }, (_, index) => rewritten(rewrite, rowOf(index))).filter(({ answer }) =>
      answer.includes(90),
    );
    expect(Math.abs(moved.length / 1000 - 0.3)).toBeLessThan(0.058); // four standard errors
  });
});

describe('what becomes of a row', () => {
  it('follows from seed, split, step and row', () => {
    const rewrite = spansToSentinels(spans);
    expect(rewritten(rewrite)).toEqual(rewritten(rewrite));
    expect(rewritten(rewrite, rowOf(1))).not.toEqual(rewritten(rewrite));
    expect(rewritten(rewrite, rowOf(0), { split: 'train', step: 2 })).not.toEqual(rewritten(rewrite));
    expect(rewritten(rewrite, rowOf(0), { split: 'eval', step: 1 })).not.toEqual(rewritten(rewrite));
  });
});
