// SPDX-License-Identifier: Apache-2.0
/** What one row of a file is before a format has looked at it: usually an object of columns. */
export type RawRow = unknown;

/** A row that cannot be used, with the reason told in the report. Not an error of the run: the row is dropped. */
export class RowProblem extends Error {
  override readonly name = 'RowProblem';
}

/** A value that has no form in JSON (a time, an interval): it has no text of its own either, so a row cannot use it. */
export class OtherValue {
  /** @param description what the file says it is, with an article */
  constructor(readonly description: string) {}

  toJSON(): string {
    return this.description;
  }
}

/** An indexed file: rows are read by number and never all held in memory. */
export interface RowReader {
  readonly path: string;
  /** Number of rows. */
  readonly length: number;
  /**
   * Rows `first` … `first + count − 1` (0-based) in order. A row that is broken by itself (a CSV line with too many
   * fields) comes as a RowProblem in its place. @throws coded errors for a file that is broken as a whole.
   */
  read(first: number, count: number): Promise<(RawRow | RowProblem)[]>;
  close(): Promise<void>;
}

/** How a text file is cut into rows. */
export type TextPieces = 'line' | 'paragraph' | 'file';

export interface ReaderOptions {
  readonly pieces: TextPieces;
}
