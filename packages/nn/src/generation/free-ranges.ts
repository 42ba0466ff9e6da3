// SPDX-License-Identifier: Apache-2.0
interface Range {
  start: number;
  length: number;
}

/** Ranges of a line of fixed length, given out first fit and taken back. */
export class FreeRanges {
  private free: Range[];

  constructor(length: number) {
    this.free = [{ start: 0, length }];
  }

  /** Start of a range of that length; null where none is free. */
  take(length: number): number | null {
    const range = this.free.find((each) => each.length >= length);
    if (range === undefined) return null;
    const { start } = range;
    range.start += length;
    range.length -= length;
    if (range.length === 0) this.free.splice(this.free.indexOf(range), 1);
    return start;
  }

  giveBack(start: number, length: number): void {
    const sorted = [...this.free, { start, length }].sort((a, b) => a.start - b.start);
    this.free = [];
    for (const range of sorted) {
      const last = this.free.at(-1);
      if (last !== undefined && last.start + last.length === range.start) last.length += range.length;
      else this.free.push(range);
    }
  }
}
