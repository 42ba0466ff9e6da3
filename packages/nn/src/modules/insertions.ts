// SPDX-License-Identifier: Apache-2.0
import type { Segment } from '../contracts/segments.js';
import { rowsOf } from '../ops/attention/pieces.js';
import { tf } from '../tf.js';

/** Rows [start, start + length) of the row itself, or `length` rows that stand before a segment. */
type Piece =
  | { readonly start: number; readonly length: number }
  | { readonly segment: number; readonly length: number };

/** Rows that are put before some segments of a packed row. */
export class Insertions {
  /** Which segments have rows before them, in the order of the row. */
  private readonly places: readonly { readonly segment: number; readonly at: number; readonly length: number }[];

  /** @param lengths rows before each segment, 0 for none */
  constructor(
    private readonly segments: readonly Segment[],
    lengths: readonly number[],
  ) {
    this.places = segments
      .map(({ start }, segment) => ({ segment, at: start, length: lengths[segment]! }))
      .filter(({ length }) => length > 0)
      .toSorted((a, b) => a.at - b.at || a.segment - b.segment);
  }

  get isEmpty(): boolean {
    return this.places.length === 0;
  }

  /** The segments in the grown row; one with rows before it begins with these. */
  get grown(): Segment[] {
    return this.segments.map((segment, index) => {
      const own = this.places.findIndex((place) => place.segment === index);
      const before = own === -1 ? this.places.filter(({ at }) => at <= segment.start) : this.places.slice(0, own);
      const start = before.reduce((sum, { length }) => sum + length, segment.start);
      return { ...segment, start, length: segment.length + (this.places[own]?.length ?? 0) };
    });
  }

  /** x [T, …] with the rows of segments, [length, …] each, before them. */
  into<X extends tf.Tensor>(x: X, before: (segment: number) => X): X {
    const parts = this.pieces(x.shape[0]!).map((piece) =>
      'segment' in piece ? before(piece.segment) : rowsOf(x, piece.start, piece.length),
    );
    return tf.concat(parts, 0) as X;
  }

  /** The same of numbers, one a row. */
  intoInts(x: Int32Array, before: (segment: number) => readonly number[]): Int32Array {
    const parts = this.pieces(x.length).map((piece) =>
      'segment' in piece ? before(piece.segment) : [...x.subarray(piece.start, piece.start + piece.length)],
    );
    return Int32Array.from(parts.flat());
  }

  /** The rows of the grown row x that are the row itself. */
  outOf<X extends tf.Tensor>(x: X): X {
    const total = this.places.reduce((rest, { length }) => rest - length, x.shape[0]!);
    let end = 0;
    const parts = this.pieces(total).flatMap((piece) => {
      end += piece.length;
      return 'segment' in piece ? [] : [rowsOf(x, end - piece.length, piece.length)];
    });
    return tf.concat(parts, 0) as X;
  }

  /** The grown row of a row of `total`, in order. */
  private pieces(total: number): Piece[] {
    const ends = [...this.places.map(({ at }) => at), total];
    return ends.flatMap((end, index): Piece[] => {
      const start = ends[index - 1] ?? 0;
      const own = end > start ? [{ start, length: end - start }] : [];
      const place = this.places[index];
      return place === undefined ? own : [...own, { segment: place.segment, length: place.length }];
    });
  }
}
