// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.js';

function poolWithLog() {
  const log: string[] = [];
  const pool = new BufferPool({
    allocate: (bytes) => {
      log.push(`allocate ${bytes}`);
      return new ArrayBuffer(bytes);
    },
    release: (buffer) => log.push(`release ${buffer.byteLength}`),
  });
  const use = (bytes: number) => {
    const buffer = pool.take(bytes);
    pool.retain(buffer);
    return buffer;
  };
  return { pool, log, use };
}

describe('the buffer pool', () => {
  it('gives a buffer again once nobody uses it', () => {
    const { pool, use } = poolWithLog();
    const first = use(10_000);
    pool.retain(first); // a slice of it
    pool.drop(first);
    expect(use(10_000)).not.toBe(first);
    pool.drop(first);
    expect(use(10_000)).toBe(first);
  });

  it.each([4096, 4097, 5000, 12_345, 1 << 20, (1 << 20) + 1])(
    'holds %i bytes and wastes less than a fifth',
    (bytes) => {
      const { byteLength } = poolWithLog().use(bytes);
      expect(byteLength).toBeGreaterThanOrEqual(bytes);
      expect(byteLength).toBeLessThan(1.2 * bytes + 64);
    },
  );

  it('serves a size with an idle buffer of the next class', () => {
    const { pool, use } = poolWithLog();
    const larger = use(19_000);
    pool.drop(larger);
    expect(use(16_384)).toBe(larger);
  });

  it('gives back the longest-idle memory when sizes change, and takes it again later', () => {
    const { pool, log, use } = poolWithLog();
    const old = use(1 << 20);
    pool.drop(old);
    const other = use(1 << 18);
    pool.drop(other);
    use(1 << 19); // live 2^19, idle 2^20 + 2^18, most ever live 2^20
    expect(log.filter((line) => line.startsWith('release'))).toEqual([`release ${1 << 20}`]);
    expect(pool.bytes).toEqual({ live: 1 << 19, idle: 1 << 18 });
    expect(use(1 << 20)).toBe(old);
    expect(log.filter((line) => line === `allocate ${1 << 20}`)).toHaveLength(1);
  });

  it('leaves small buffers to the garbage collector and foreign ones alone', () => {
    const { pool, use } = poolWithLog();
    const small = use(100);
    pool.drop(small);
    expect(use(100)).not.toBe(small);
    const foreign = new ArrayBuffer(1 << 16);
    pool.retain(foreign);
    expect(pool.references(foreign)).toBe(0);
    pool.drop(foreign);
    expect(pool.bytes.idle).toBe(0);
  });
});
