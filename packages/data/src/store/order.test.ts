// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { mix } from './mixture.js';
import { repeatRows, selectRows } from './row-selection.js';

const rows = (length: number) => Uint32Array.from({ length }, (_, row) => row);
const both = { weights: [1, 1], shuffle: true } as const;

describe('mix', () => {
  it('puts entries one behind the other with concat', () => {
    const order = mix([rows(2), rows(3)], { ...both, mixture: 'concat' });
    expect([...order.store, ...order.row]).toEqual([0, 0, 1, 1, 1, 0, 1, 0, 1, 2]);
  });

  it('draws by weight until the first entry is used up (Under): no row twice', () => {
    const order = mix([rows(3000), rows(3000)], { mixture: 'interleaveUnder', weights: [3, 1], shuffle: true });
    const counts = [0, 1].map((entry) => order.store.filter((each) => each === entry).length);
    expect(counts[0]).toBe(3000);
    // 3,000 draws of the first entry mean about 1,000 of the second: σ = √(4000·¾·¼) / ¾ ≈ 36.5; five of them allowed.
    expect(Math.abs(counts[1]! - 1000)).toBeLessThan(183);
    const seen = order.row.filter((_, at) => order.store[at] === 0);
    expect(new Set(seen).size).toBe(3000);
  });

  it('goes on until the last entry is used up (Over): the others start again', () => {
    const order = mix([rows(10), rows(500)], { mixture: 'interleaveOver', weights: [1, 1], shuffle: true });
    const of = (entry: number) => [...order.row].filter((_, at) => order.store[at] === entry);
    expect(new Set(of(1)).size).toBe(500);
    expect(of(0).length).toBeGreaterThan(400);
    expect(new Set(of(0)).size).toBe(10);
    expect(of(1)).toHaveLength(500);
  });

  it('is the same every time, and keeps file order inside an entry without shuffling', () => {
    const settings = { mixture: 'interleaveUnder', weights: [1, 2], shuffle: false } as const;
    const order = mix([rows(20), rows(20)], settings);
    expect(mix([rows(20), rows(20)], settings)).toEqual(order);
    for (const entry of [0, 1]) {
      const own = [...order.row].filter((_, at) => order.store[at] === entry);
      expect(own).toEqual(own.map((_, at) => at));
    }
  });
});

describe('selectRows', () => {
  const selected = (limits: Parameters<typeof selectRows>[1]) =>
    [...selectRows([5, 0, 7], limits, 4)].flatMap(({ file, first, count }) =>
      Array.from({ length: count }, (_, at) => `${file}:${first + at}`),
    );

  it('takes all rows in blocks, or the first ones', () => {
    expect(selected({ samples: null, atMost: null })).toHaveLength(12);
    expect([...selectRows([5, 0, 7], { samples: null, atMost: null }, 4)].map(({ count }) => count)).toEqual([
      4, 1, 4, 3,
    ]);
    expect(selected({ samples: null, atMost: 6 })).toEqual(['0:0', '0:1', '0:2', '0:3', '0:4', '2:0']);
  });

  it('draws samples without repeating any, in file order, the same ones every time', () => {
    const drawn = selected({ samples: 6, atMost: null });
    expect(new Set(drawn).size).toBe(6);
    expect(drawn).toEqual([...drawn].sort());
    expect(drawn).not.toEqual(selected({ samples: null, atMost: 6 }));
    expect(selected({ samples: 6, atMost: null })).toEqual(drawn);
    expect(selected({ samples: 6, atMost: 3 })).toHaveLength(3);
    expect(selected({ samples: 100, atMost: null })).toHaveLength(12);
  });
});

describe('repeatRows', () => {
  it('gives whole passes and a random rest', () => {
    expect([...repeatRows(4, 0)]).toEqual([0, 1, 2, 3]);
    const repeated = [...repeatRows(4, 2.5)];
    expect(repeated.slice(0, 8)).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    expect(new Set(repeated.slice(8)).size).toBe(2);
    expect([...repeatRows(0, 3)]).toEqual([]);
  });
});
