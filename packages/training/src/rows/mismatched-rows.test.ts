// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { EncodedRow, RowSet } from '../contracts/data.js';
import { firstPartner, withMismatched } from './mismatched-rows.js';

/** Row i has prompt [prompts[i]] and the answer [10 + i, 10 + i, 10 + i]. */
function rowsOf(prompts: readonly number[]): RowSet {
  const row = (index: number): EncodedRow => ({
    index,
    prompt: Int32Array.of(prompts[index]!),
    responses: [{ role: 'desirable', ids: new Int32Array(3).fill(10 + index), counted: Uint8Array.of(0, 1, 1) }],
    weight: 1,
    extras: {},
    media: [],
  });
  return {
    length: prompts.length,
    rows: async (indices) => indices.map(row),
    tokensOf: () => 4,
    longestOf: () => 4,
    placeOf: (index) => ({ source: 'rows.json', row: index + 1 }),
    source: () => ({ columns: {}, chat: null }),
    fingerprint: 'rows',
    dropped: [],
    close: async () => {},
  };
}

async function partners(prompts: readonly number[], batchSize: number, order?: readonly number[]): Promise<number[]> {
  const rows = withMismatched(rowsOf(prompts), { batchSize, maxLength: 100 });
  const read = await rows.rows(order ?? [...prompts.keys()]);
  return read.map(({ responses: [own, foreign] }) => {
    expect(own!.role).toBe('desirable');
    expect(foreign!.role).toBe('mismatched');
    return foreign!.ids[0]! - 10;
  });
}

describe('the answer of another row', () => {
  it('is that of the row before in its batch, as in TRL', async () => {
    expect(await partners([0, 1, 2, 3, 4, 5, 6], 3)).toEqual([2, 0, 1, 5, 3, 4, 5]);
  });

  it('is never the row’s own, whatever the batch', () => {
    for (let length = 2; length < 12; length++) {
      for (let batchSize = 1; batchSize < 14; batchSize++) {
        for (let index = 0; index < length; index++) {
          const partner = firstPartner(index, length, batchSize);
          expect(partner).not.toBe(index);
          expect(partner).toBeGreaterThanOrEqual(0);
          expect(partner).toBeLessThan(length);
        }
      }
    }
  });

  it('depends on the row alone, not on the order in which rows are read', async () => {
    expect(await partners([0, 1, 2, 3, 4], 2, [4, 1, 3])).toEqual([3, 0, 2]);
  });

  it('is that of another prompt where there is one: both answers of a pair belong to the same', async () => {
    expect(await partners([7, 7, 8, 8], 2)).toEqual([3, 3, 1, 1]);
    expect(await partners([7, 7], 2)).toEqual([1, 0]);
  });

  it('is cut where the prompt leaves less room, and changes the fingerprint', async () => {
    const rows = withMismatched(rowsOf([0, 1]), { batchSize: 2, maxLength: 3 });
    const [first] = await rows.rows([0]);
    expect([...first!.responses[1]!.ids]).toEqual([11, 11]);
    expect([...first!.responses[1]!.counted]).toEqual([0, 1]);
    const fingerprints = [1, 2].map(
      (batchSize) => withMismatched(rowsOf([0, 1]), { batchSize, maxLength: 3 }).fingerprint,
    );
    expect(new Set([...fingerprints, 'rows']).size).toBe(3);
  });

  it('needs a second row', () => {
    expect(() => withMismatched(rowsOf([0]), { batchSize: 2, maxLength: 9 })).toThrow('LLMF_TRAINING_MISMATCHED_ROWS');
  });
});
