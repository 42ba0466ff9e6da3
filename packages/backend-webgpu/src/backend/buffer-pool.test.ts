// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { BufferPool } from './buffer-pool.js';

const mebibyte = 2 ** 20;

function pool() {
  const destroyed: number[] = [];
  const createBuffer = ({ size, usage }: { size: number; usage: number }) => ({
    size,
    usage,
    destroy: () => destroyed.push(size),
  });
  return { pool: new BufferPool({ createBuffer } as unknown as GPUDevice, 512 * mebibyte), destroyed };
}

describe('BufferPool', () => {
  it('gives a freed buffer again to the same size and usage alone', () => {
    const { pool: buffers } = pool();
    const first = buffers.acquireBuffer(16, 1);
    buffers.releaseBuffer(first);
    expect(buffers.acquireBuffer(16, 2)).not.toBe(first);
    expect(buffers.acquireBuffer(32, 1)).not.toBe(first);
    expect(buffers.acquireBuffer(16, 1)).toBe(first);
    expect(buffers.numBytesAllocated).toBe(64);
  });

  it('keeps 64 MiB free beside what is in use, and lets the sizes go that were not met for longest', () => {
    const { pool: buffers, destroyed } = pool();
    for (const size of [10, 20, 30, 40]) buffers.releaseBuffer(buffers.acquireBuffer(size * mebibyte, 1));
    expect(destroyed).toEqual([10, 20, 30].map((size) => size * mebibyte));
    const used = buffers.acquireBuffer(100 * mebibyte, 1);
    buffers.releaseBuffer(buffers.acquireBuffer(50 * mebibyte, 1));
    expect(buffers.numBytesAllocated).toBe(190 * mebibyte); // 100 in use, 40 and 50 free
    buffers.releaseBuffer(used);
    expect(buffers.numBytesAllocated).toBeLessThanOrEqual(64 * mebibyte);
  });

  it('destroys what is not to be used again, and everything at the end', () => {
    const { pool: buffers, destroyed } = pool();
    buffers.releaseBuffer(buffers.acquireBuffer(8, 1), false);
    expect(destroyed).toEqual([8]);
    buffers.acquireBuffer(4, 1);
    buffers.dispose();
    expect(destroyed).toEqual([8, 4]);
    expect([buffers.numBytesUsed, buffers.numBytesAllocated, buffers.numUsedBuffers]).toEqual([0, 0, 0]);
  });

  it('refuses more than the GPU takes, saying how much that is', () => {
    expect(() => pool().pool.acquireBuffer(513 * mebibyte, 1)).toThrow(
      /^LLMF_BACKEND_WEBGPU_TOO_LARGE: [^]*at most 536870912 bytes/,
    );
  });
});
