// SPDX-License-Identifier: Apache-2.0
/**
 * Buffers for kernel outputs, used again as soon as no tensor refers to them: fresh ones would cost zero-filling, page
 * faults and garbage collection (about 0.15 ms per MB). Sizes come in classes, eight per power of two. A buffer is
 * counted per tensor data entry over it, because tfjs's slices share one buffer.
 *
 * Idle memory is bounded: what is live and idle together stays within `slack` times the most that was ever live;
 * beyond that the longest-idle buffers give their pages back to the system.
 */
export interface BufferSource {
  allocate(bytes: number): ArrayBuffer;
  release(buffer: ArrayBuffer): void;
}

interface Entry {
  readonly buffer: ArrayBuffer;
  /** null: too small to be used again. */
  readonly sizeClass: number | null;
  references: number;
}

const smallestPooled = 4096;
const slack = 1.03;
const classesPerDoubling = 8;
/** An idle buffer up to this many classes larger is used before a fresh one is made. */
const lookAhead = 2;

export class BufferPool {
  private readonly entries = new WeakMap<ArrayBufferLike, Entry>();
  /** Idle buffers by class, with their memory, and without. */
  private readonly warm = new Map<number, Entry[]>();
  private readonly cold = new Map<number, Entry[]>();
  /** Warm idle buffers, the longest-idle first. */
  private readonly idle = new Set<Entry>();
  private liveBytes = 0;
  private idleBytes = 0;
  private mostLiveBytes = 0;

  constructor(private readonly source: BufferSource) {}

  /** A buffer of at least `bytes` with undefined contents; it counts as used once `retain` was called. */
  take(bytes: number): ArrayBuffer {
    if (bytes < smallestPooled) {
      const buffer = new ArrayBuffer(bytes);
      this.entries.set(buffer, { buffer, sizeClass: null, references: 0 });
      return buffer;
    }
    const sizeClass = classOf(bytes);
    const entry = this.takeWarmFrom(sizeClass) ?? this.takeCold(sizeClass);
    this.liveBytes += entry.buffer.byteLength;
    this.mostLiveBytes = Math.max(this.mostLiveBytes, this.liveBytes);
    this.trim();
    return entry.buffer;
  }

  /** One more tensor data entry uses this buffer. Buffers from elsewhere are none of the pool's business. */
  retain(buffer: ArrayBufferLike): void {
    const entry = this.entries.get(buffer);
    if (entry !== undefined) entry.references++;
  }

  /** One fewer; the last one makes it idle. */
  drop(buffer: ArrayBufferLike): void {
    const entry = this.entries.get(buffer);
    if (entry === undefined || --entry.references > 0 || entry.sizeClass === null) return;
    this.liveBytes -= entry.buffer.byteLength;
    this.idleBytes += entry.buffer.byteLength;
    this.idle.add(entry);
    push(this.warm, entry.sizeClass, entry);
  }

  /** How many tensor data entries use it; 0 when it is not the pool's. */
  references(buffer: ArrayBufferLike): number {
    return this.entries.get(buffer)?.references ?? 0;
  }

  /** Bytes in use and bytes kept for later. */
  get bytes(): { readonly live: number; readonly idle: number } {
    return { live: this.liveBytes, idle: this.idleBytes };
  }

  private takeWarmFrom(sizeClass: number): Entry | undefined {
    for (let larger = 0; larger <= lookAhead; larger++) {
      const entry = this.takeWarm(sizeClass + larger);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  private takeWarm(sizeClass: number): Entry | undefined {
    const entry = this.warm.get(sizeClass)?.pop();
    if (entry === undefined) return undefined;
    this.idle.delete(entry);
    this.idleBytes -= entry.buffer.byteLength;
    return entry;
  }

  private takeCold(sizeClass: number): Entry {
    const entry = this.cold.get(sizeClass)?.pop();
    if (entry !== undefined) return entry;
    const buffer = this.source.allocate(bytesOf(sizeClass));
    const fresh = { buffer, sizeClass, references: 0 };
    this.entries.set(buffer, fresh);
    return fresh;
  }

  private trim(): void {
    for (const entry of this.idle) {
      if (this.liveBytes + this.idleBytes <= slack * this.mostLiveBytes) return;
      this.idle.delete(entry);
      this.idleBytes -= entry.buffer.byteLength;
      const warm = this.warm.get(entry.sizeClass!)!;
      warm.splice(warm.indexOf(entry), 1);
      this.source.release(entry.buffer);
      push(this.cold, entry.sizeClass!, entry);
    }
  }
}

/** The smallest class that holds `bytes`: 2^(class / 8), rounded up to whole cache lines. */
const classOf = (bytes: number): number => {
  const estimate = Math.max(0, Math.ceil(classesPerDoubling * Math.log2(bytes)) - 1);
  return bytesOf(estimate) >= bytes ? estimate : estimate + 1;
};
const bytesOf = (sizeClass: number): number => Math.ceil(2 ** (sizeClass / classesPerDoubling) / 64) * 64;

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
