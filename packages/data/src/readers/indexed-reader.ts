// SPDX-License-Identifier: Apache-2.0
import type { ByteFile } from './byte-file.js';
import type { ByteIndex } from './byte-index.js';
import type { RawRow, RowProblem, RowReader } from './row-reader.js';

/** Bytes read at once when consecutive rows are asked for. */
const blockBytes = 4 << 20;

/** Turns one row's bytes (starting at `offset` in the file) into the row. */
export type ParseRow = (bytes: Uint8Array, offset: number) => RawRow | RowProblem | Promise<RawRow | RowProblem>;

/** A reader of any file whose rows are byte ranges: neighbours are read in one go, in blocks of bounded size. */
export class IndexedReader implements RowReader {
  constructor(
    private readonly file: ByteFile,
    private readonly index: ByteIndex,
    private readonly parse: ParseRow,
  ) {}

  get path(): string {
    return this.file.path;
  }

  get length(): number {
    return this.index.length;
  }

  async read(first: number, count: number): Promise<(RawRow | RowProblem)[]> {
    const rows: (RawRow | RowProblem)[] = [];
    const end = Math.min(first + count, this.length);
    for (let row = first; row < end;) {
      const start = this.index.start(row);
      let last = row;
      while (last + 1 < end && this.index.end(last + 1) - start <= blockBytes) last++;
      const block = await this.file.bytes(start, this.index.end(last));
      for (; row <= last; row++) {
        const offset = this.index.start(row);
        rows.push(await this.parse(block.subarray(offset - start, this.index.end(row) - start), offset));
      }
    }
    return rows;
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
