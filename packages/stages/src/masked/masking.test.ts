// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';
import { describe, expect, it } from 'vitest';
import { masking, type MaskingSettings } from './masking.js';

/** [CLS] 1 and [SEP] 2 are special; odd tokens from 11 go on with the word before. */
const settings: MaskingSettings = {
  seed: 5,
  maskId: 3,
  probability: 0.15,
  wholeWords: false,
  text: { size: 1000, specialIds: new Set([1, 2]), continuesWord: (id) => id > 10 && id % 2 === 1 },
};

/** Rows of one text each, as they are packed. */
function batchOf(rows: readonly (readonly [index: number, ids: readonly number[]])[]): Batch {
  const length = Int32Array.from(rows, ([, ids]) => ids.length);
  let end = 0;
  const start = length.map((count) => (end += count) - count);
  return {
    ids: Int32Array.from(rows.flatMap(([, ids]) => ids)),
    rowIndices: Int32Array.from(rows, ([index]) => index),
    responses: { start, length, group: Int32Array.from(rows.keys()) },
  } as unknown as Batch;
}
const long = (index: number) => [index, [1, ...Array.from({ length: 2000 }, (_, at) => 10 + (at % 40)), 2]] as const;
const train = { split: 'train', step: 3, microbatch: 0 } as const;
/** What became of row r: its ids, and which of its places are predicted. */
function hidden(batch: Batch, r: number) {
  const [start, length] = [batch.responses.start[r]!, batch.responses.length[r]!];
  const places = [...batch.rows].filter((place) => place >= start && place < start + length);
  return { ids: [...batch.ids.subarray(start, start + length)], places: places.map((place) => place - start) };
}

describe('masking', () => {
  it('predicts 15 %, of which 80 % are the mask, 10 % another token and 10 % stay', () => {
    const rows = Array.from({ length: 8 }, (_, index) => long(index));
    const before = batchOf(rows);
    const after = masking(settings)(before, train);
    const count = after.rows.length;
    // 16,000 draws: four standard errors are 0.0113 of 0.15, and of 2,400 chosen 0.033 of 0.8
    expect(Math.abs(count / 16_000 - 0.15)).toBeLessThan(0.0113);
    const places = [...after.rows];
    const masked = places.filter((place) => after.ids[place] === 3).length;
    const kept = places.filter((place) => after.ids[place] === before.ids[place]).length;
    expect(Math.abs(masked / count - 0.8)).toBeLessThan(0.033);
    expect(Math.abs(kept / count - 0.1)).toBeLessThan(0.025);
    expect([...after.targets]).toEqual(places.map((place) => before.ids[place]));
    const untouched = [...before.ids.keys()].filter((place) => !after.rows.includes(place));
    expect(untouched.every((place) => after.ids[place] === before.ids[place])).toBe(true);
  });

  it('leaves special tokens, and predicts at least one token of every text', () => {
    const after = masking({ ...settings, probability: 1e-9 })(
      batchOf([
        [0, [1, 20, 2]],
        [1, [1, 21, 30, 2]],
      ]),
      train,
    );
    expect(hidden(after, 0).places).toEqual([1]);
    expect(hidden(after, 1).places).toHaveLength(1);
    expect([...after.responses.tokens]).toEqual([1, 1]);
  });

  it('of a row depends neither on its neighbours, its place nor the microbatch, but on step, split and seed', () => {
    const mask = masking(settings);
    const [alone, behind] = [
      mask(batchOf([long(7)]), train),
      mask(batchOf([long(3), long(7)]), { ...train, microbatch: 4 }),
    ];
    expect(hidden(behind, 1)).toEqual(hidden(alone, 0));
    expect(hidden(mask(batchOf([long(8)]), train), 0)).not.toEqual(hidden(alone, 0));
    expect(hidden(mask(batchOf([long(7)]), { ...train, step: 4 }), 0)).not.toEqual(hidden(alone, 0));
    expect(hidden(mask(batchOf([long(7)]), { ...train, split: 'eval' }), 0)).not.toEqual(hidden(alone, 0));
    expect(hidden(masking({ ...settings, seed: 6 })(batchOf([long(7)]), train), 0)).not.toEqual(hidden(alone, 0));
  });

  it('of whole words takes every token of a word or none', () => {
    const after = masking({ ...settings, wholeWords: true })(batchOf([long(0)]), train);
    const { places } = hidden(after, 0);
    const isIn = new Set(places);
    // tokens 10 11, 12 13, …: an even one and the odd one behind it are a word; place 1 is the first token
    expect(places.every((place) => isIn.has(place % 2 === 1 ? place + 1 : place - 1))).toBe(true);
    expect(Math.abs(places.length / 2000 - 0.15)).toBeLessThan(0.045); // of 1,000 words, four standard errors
  });
});
