// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { signatures } from '../kernels/signatures.js';
import { costOf } from './kernel-costs.js';

const attention = (spans: readonly (readonly number[])[], window: number) =>
  costOf
    .get('attention')!
    .flops({ spanCount: spans.length, spans: Int32Array.from(spans.flat()), window, heads: 1, size: 1 }) / 4;

/** Keys that all queries of a span see, by the definition in attention/spans.h. */
function seen([, queries, , keyLength, , prefix, causal]: readonly number[], window: number): number {
  let pairs = 0;
  for (let query = 0; query < queries!; query++) {
    const position = prefix! + query + keyLength! - queries!;
    for (let key = 0; key < prefix! + keyLength!; key++) {
      const isNear = window === 0 || Math.abs(position - key) < window;
      if ((causal === 0 || key <= position) && isNear) pairs++;
    }
  }
  return pairs;
}

describe('the cost of a kernel', () => {
  it('is known of every one', () => {
    expect([...costOf.keys()]).toEqual(Object.keys(signatures));
  });

  it.each([0, 1, 3, 100])('of attention counts the pairs that are seen, window %d', (window) => {
    const spans = [
      [0, 7, 0, 7, 0, 0, 1],
      [7, 4, 7, 4, 0, 7, 1], // behind a prefix of 7
      [11, 2, 11, 9, 0, 0, 1], // two new tokens behind seven in a cache
      [13, 5, 20, 5, 0, 0, 0],
    ];
    for (const span of spans) expect(attention([span], window)).toBe(seen(span, window));
    expect(attention(spans, window)).toBe(spans.reduce((sum, span) => sum + seen(span, window), 0));
  });

  it('of a layer is its product and its low-rank update; what an optimizer changes in place is read and written', () => {
    const { group, flops } = costOf.get('linear')!;
    expect([group({}), flops({ tokens: 3, inputs: 5, outputs: 7, rank: 2 })]).toEqual([
      'products',
      2 * 3 * (35 + 2 * 12),
    ]);
    expect(costOf.get('adamw')!.bytes({ count: 10 })).toBe(280);
    const groups = [0, 3].map((operation) => costOf.get('reduce')!.group({ operation }));
    expect(groups).toEqual(['element by element', 'optimizer and clipping']); // a sum; a sum of squares, which clipping asks for
  });

  it('of what moves data is the bytes of its arrays, packed weights by their parts', () => {
    const weight = [2, 1, new Uint8Array(6), null];
    const values = { x: new Float32Array(5), weight, bias: null, y: new Float32Array(5), tokens: 5 };
    expect(costOf.get('linear')!.bytes(values)).toBe(46);
  });
});
