// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { MemoryArena } from './memory-arena.js';

function arenaWithLog() {
  const slabs: number[] = [];
  const arena = new MemoryArena({
    allocate: (bytes) => {
      slabs.push(bytes);
      return new ArrayBuffer(bytes);
    },
  });
  const use = (size: number) => {
    const values = arena.floats(size);
    arena.retain(values);
    return values;
  };
  return { arena, slabs, use };
}

const page = 1024; // floats per granule

describe('the memory arena', () => {
  it('gives memory again once no tensor refers to it', () => {
    const { arena, use } = arenaWithLog();
    const first = use(3 * page);
    arena.retain(first.subarray(page, 2 * page)); // a slice of it
    arena.drop(first);
    expect(arena.references(first)).toBe(1);
    expect(use(3 * page).byteOffset).not.toBe(first.byteOffset);
    arena.drop(first.subarray(2 * page));
    expect(use(3 * page).byteOffset).toBe(first.byteOffset);
  });

  it('joins free neighbours, so that other sizes fit into what was touched', () => {
    const { arena, use } = arenaWithLog();
    const parts = [5, 7, 3, 6, 4].map((pages) => use(pages * page));
    const { touched } = arena.bytes;
    for (const index of [1, 3, 2, 4, 0]) arena.drop(parts[index]!);
    expect(arena.bytes.live).toBe(0);
    use(20 * page);
    use(5 * page - 1);
    expect(arena.bytes).toEqual({ live: touched, touched });
  });

  it('takes the lowest address that fits', () => {
    const { arena, use } = arenaWithLog();
    const [low, , high] = [use(2 * page), use(page), use(4 * page), use(page)];
    arena.drop(high!);
    arena.drop(low!);
    expect(use(3 * page).byteOffset).toBe(high!.byteOffset);
    expect(use(1).byteOffset).toBe(low!.byteOffset);
  });

  it('never gives one byte to two tensors', () => {
    const { arena, slabs, use } = arenaWithLog();
    const live: { values: Float32Array; mark: number }[] = [];
    let state = 1;
    const below = (limit: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * limit);
    };
    for (let mark = 1; mark <= 3000; mark++) {
      if (live.length > 40 || (live.length > 0 && below(2) === 0)) {
        const { values, mark: written } = live.splice(below(live.length), 1)[0]!;
        expect([values[0], values.at(-1)]).toEqual([written, written]);
        arena.drop(values);
      } else {
        const values = use(1 + below(20 * page));
        values[0] = values[values.length - 1] = mark;
        live.push({ values, mark });
      }
    }
    expect(slabs).toHaveLength(1);
    for (const { values } of live) arena.drop(values);
    expect(arena.bytes.live).toBe(0);
  });

  it('makes a slab of its own for what no slab can hold', () => {
    const { slabs, use } = arenaWithLog();
    use(page);
    use(70_000 * page);
    use(page);
    expect(slabs).toEqual([1 << 28, 70_000 * 4 * page]);
  });

  it('keeps that for tensors of such a size: it fits there again, whatever smaller ones stay', () => {
    const { slabs, use, arena } = arenaWithLog();
    const large = use(70_000 * page);
    arena.drop(large);
    const small = use(page);
    expect(small.buffer).not.toBe(large.buffer);
    expect(use(40_000 * page).buffer).toBe(large.buffer);
    expect(slabs).toHaveLength(2);
  });

  it('counts no memory for empty values, wherever they begin', () => {
    const { arena, use } = arenaWithLog();
    const [first, second] = [use(page), use(page)];
    arena.retain(first!.subarray(page)); // its address is the second's
    expect(arena.references(second!)).toBe(1);
    expect(use(0)).toHaveLength(0);
    expect(arena.bytes.live).toBe(2 * 4 * page);
  });

  it('leaves arrays from elsewhere alone', () => {
    const { arena } = arenaWithLog();
    const foreign = new Float32Array(10_000);
    arena.retain(foreign);
    expect(arena.references(foreign)).toBe(0);
    arena.drop(foreign);
  });
});
