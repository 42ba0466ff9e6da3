// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';

/** Free bytes that are always kept, whatever is in use. */
const alwaysKept = 64 * 2 ** 20;

/**
 * Buffers by size and usage, given again when their tensor is gone, in the place of tfjs's buffer manager, which keeps
 * every size it ever met: rows of all lengths would fill the GPU. Here free buffers take no more than those in use and
 * 64 MiB; the sizes not met for longest go first.
 */
export class BufferPool {
  numUsedBuffers = 0;
  numFreeBuffers = 0;
  numBytesUsed = 0;
  numBytesAllocated = 0;
  /** In order of their last release. */
  private readonly free = new Map<string, GPUBuffer[]>();
  private readonly used = new Set<GPUBuffer>();

  /** @param limit bytes of the largest buffer */
  constructor(
    private readonly device: GPUDevice,
    readonly limit: number,
  ) {}

  /** @throws tooLarge */
  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GPUBuffer {
    if (size > this.limit) throw errors.tooLarge({ bytes: size, limit: this.limit });
    const buffer = (reuse ? this.taken(size, usage) : undefined) ?? this.created(size, usage, mappedAtCreation);
    this.used.add(buffer);
    this.numUsedBuffers++;
    this.numBytesUsed += size;
    return buffer;
  }

  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    if (!this.used.delete(buffer)) return;
    this.numUsedBuffers--;
    this.numBytesUsed -= buffer.size;
    if (reuse) this.keep(buffer);
    else this.destroy(buffer);
  }

  dispose(): void {
    for (const buffer of [...this.used, ...[...this.free.values()].flat()]) buffer.destroy();
    this.used.clear();
    this.free.clear();
    this.numUsedBuffers = this.numFreeBuffers = this.numBytesUsed = this.numBytesAllocated = 0;
  }

  private taken(size: number, usage: number): GPUBuffer | undefined {
    const buffer = this.free.get(keyOf(size, usage))?.pop();
    if (buffer !== undefined) this.numFreeBuffers--;
    return buffer;
  }

  private created(size: number, usage: number, mappedAtCreation: boolean): GPUBuffer {
    this.numBytesAllocated += size;
    return this.device.createBuffer({ size, usage, mappedAtCreation });
  }

  private keep(buffer: GPUBuffer): void {
    const key = keyOf(buffer.size, buffer.usage);
    const others = this.free.get(key) ?? [];
    others.push(buffer);
    this.free.delete(key);
    this.free.set(key, others);
    this.numFreeBuffers++;
    this.trim();
  }

  private trim(): void {
    for (const [key, buffers] of this.free) {
      while (this.numBytesAllocated > 2 * this.numBytesUsed + alwaysKept && buffers.length > 0) {
        this.numFreeBuffers--;
        this.destroy(buffers.shift()!);
      }
      if (buffers.length > 0) return;
      this.free.delete(key);
    }
  }

  private destroy(buffer: GPUBuffer): void {
    this.numBytesAllocated -= buffer.size;
    buffer.destroy();
  }
}

const keyOf = (size: number, usage: number): string => `${size} ${usage}`;
