// SPDX-License-Identifier: Apache-2.0
/**
 * Memory for kernel outputs. Fresh memory costs page faults and zero-filling (0.6 to 2.4 ms per MB on virtual machines,
 * as much as a matrix product over it), so pages once touched are used again: tensors are parts of a few large slabs,
 * taken at the lowest address that fits, and neighbouring free parts are joined. A smaller batch then lives entirely in
 * what a larger one has touched, whatever its sizes. What is larger than a slab has one of its own, which small tensors
 * leave alone: else it would find no place again where one of them stays a little longer.
 *
 * A part is counted per tensor data entry over it, because tfjs's slices share memory.
 */
export interface SlabSource {
  /** At least 64-byte aligned, contents undefined, untouched pages cost nothing. */
  allocate(bytes: number): ArrayBuffer;
}

const granule = 4096;
const slabBytes = 1 << 28;

export class MemoryArena {
  private readonly slabs: Slab[] = [];
  private readonly slabOf = new Map<ArrayBufferLike, Slab>();

  constructor(private readonly source: SlabSource) {}

  /** `size` floats with undefined values; their memory counts as used once `retain` was called. */
  floats(size: number): Float32Array {
    const { buffer, offset } = this.take(4 * size);
    return new Float32Array(buffer, offset, size);
  }

  integers(size: number): Int32Array {
    const { buffer, offset } = this.take(4 * size);
    return new Int32Array(buffer, offset, size);
  }

  /** One more tensor data entry uses the memory of these values. Arrays from elsewhere are none of the arena's business. */
  retain(values: ArrayBufferView): void {
    this.slabWith(values)?.retain(granuleOf(values));
  }

  /** One fewer; the last one frees it. */
  drop(values: ArrayBufferView): void {
    this.slabWith(values)?.drop(granuleOf(values));
  }

  /** Is this memory the arena's? */
  owns(values: ArrayBufferView): boolean {
    return this.slabWith(values) !== undefined;
  }

  /** How many tensor data entries use this memory; 0 when it is not the arena's. */
  references(values: ArrayBufferView): number {
    return this.slabWith(values)?.references(granuleOf(values)) ?? 0;
  }

  /** Bytes in use now. */
  get liveBytes(): number {
    let granules = 0;
    for (const { live } of this.slabs) granules += live;
    return granules * granule;
  }

  /** Bytes in use now, and bytes that ever were. */
  get bytes(): { readonly live: number; readonly touched: number } {
    const sum = (of: (slab: Slab) => number) => this.slabs.reduce((total, slab) => total + of(slab), 0) * granule;
    return { live: sum(({ live }) => live), touched: sum(({ touched }) => touched) };
  }

  /** Empty values have no memory: an empty slice may begin where the next tensor does. */
  private slabWith({ buffer, byteLength }: ArrayBufferView): Slab | undefined {
    return byteLength > 0 ? this.slabOf.get(buffer) : undefined;
  }

  private take(bytes: number): { readonly buffer: ArrayBuffer; readonly offset: number } {
    if (bytes === 0) return { buffer: new ArrayBuffer(0), offset: 0 };
    const granules = Math.ceil(bytes / granule);
    for (const slab of this.slabs) {
      const start = granules < slab.least ? null : slab.take(granules);
      if (start !== null) return { buffer: slab.buffer, offset: start * granule };
    }
    const slab = new Slab(this.source.allocate(Math.max(slabBytes, granules * granule)));
    this.slabs.push(slab);
    this.slabOf.set(slab.buffer, slab);
    return { buffer: slab.buffer, offset: slab.take(granules)! * granule };
  }
}

const granuleOf = ({ byteOffset }: ArrayBufferView): number => Math.floor(byteOffset / granule);

/** Parts of one buffer, in granules. A part is known by its first granule. */
class Slab {
  live = 0;
  touched = 0;
  /** Granules of the smallest part that it is for. */
  readonly least: number;
  /** The first granule of the part that a granule belongs to. */
  private readonly first: Int32Array;
  /** By first granule. */
  private readonly length: Int32Array;
  private readonly uses: Int32Array;
  /** Free parts by address, no two of them adjacent. */
  private readonly free: { start: number; end: number }[];

  constructor(readonly buffer: ArrayBuffer) {
    const granules = Math.floor(buffer.byteLength / granule);
    this.first = new Int32Array(granules);
    this.length = new Int32Array(granules);
    this.uses = new Int32Array(granules);
    this.free = [{ start: 0, end: granules }];
    this.least = buffer.byteLength > slabBytes ? Math.ceil(granules / 2) : 0;
  }

  /** The first granule of a part, or null when none is large enough. */
  take(granules: number): number | null {
    const index = this.free.findIndex(({ start, end }) => end - start >= granules);
    if (index < 0) return null;
    const part = this.free[index]!;
    const { start } = part;
    part.start += granules;
    if (part.start === part.end) this.free.splice(index, 1);
    this.first.fill(start, start, start + granules);
    this.length[start] = granules;
    this.uses[start] = 0;
    this.live += granules;
    this.touched = Math.max(this.touched, start + granules);
    return start;
  }

  references(at: number): number {
    return this.uses[this.first[at]!]!;
  }

  retain(at: number): void {
    this.uses[this.first[at]!]!++;
  }

  drop(at: number): void {
    const start = this.first[at]!;
    if (--this.uses[start]! > 0) return;
    const granules = this.length[start]!;
    this.live -= granules;
    this.release(start, start + granules);
  }

  private release(start: number, end: number): void {
    const { free } = this;
    const found = free.findIndex((part) => part.start > start);
    const next = found < 0 ? free.length : found;
    const before = free[next - 1];
    const after = free[next];
    const joinsBefore = before?.end === start;
    const joinsAfter = after?.start === end;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      free.splice(next, 1);
    } else if (joinsBefore) before.end = end;
    else if (joinsAfter) after.start = start;
    else free.splice(next, 0, { start, end });
  }
}
