// SPDX-License-Identifier: Apache-2.0
import { lengthBefore } from '../layers/adapter-of.js';
import type { ActiveAdapter, ForwardContext } from '../contracts/model.js';
import type { Positions, Segment } from '../contracts/segments.js';
import { embedding } from '../ops/embedding/embedding.js';
import { tf } from '../tf.js';
import { architectureErrors } from './architecture-errors.js';

/** Some segments of a packed row, as a row by themselves. */
interface Stream {
  readonly rows: Int32Array;
  readonly context: ForwardContext;
}

/**
 * The packed row of an encoder–decoder as two: segments that others name as their source go through the encoder, all
 * others through the decoder. A cache is the decoder's, its spans are those of the decoder's row.
 */
export class TwoStreams {
  private readonly encoder: Stream;
  private readonly decoder: Stream;

  /** @throws LLMF_NN_NO_SOURCE, LLMF_NN_ROWS_BEFORE */
  constructor(context: ForwardContext, modelType: string) {
    const { segments, adapter, cache: _, ...plain } = context;
    const sources = [...new Set(segments.flatMap(({ source }) => (source === undefined ? [] : [source])))].sort(
      (a, b) => a - b,
    );
    const others = [...segments.keys()].filter((index) => !sources.includes(index));
    checkSources(segments, others, modelType);
    const adapters = adapter?.ofSegments ?? [adapter];
    if (adapters.some((each) => lengthBefore(each) > 0)) throw architectureErrors.rowsBefore({ modelType });
    this.encoder = streamOf({ ...plain, segments, adapter }, sources, sources);
    this.decoder = streamOf(context, others, sources);
  }

  /** Of the encoder's pass; null where the cache holds what it gave. */
  get encoderContext(): ForwardContext | null {
    return this.encoder.rows.length === 0 ? null : this.encoder.context;
  }

  get decoderContext(): ForwardContext {
    return this.decoder.context;
  }

  /** x [T, C] → the encoder's rows and the decoder's. */
  part(x: tf.Tensor2D): { readonly encoder: tf.Tensor2D; readonly decoder: tf.Tensor2D } {
    return { encoder: rowsOf(x, this.encoder.rows), decoder: rowsOf(x, this.decoder.rows) };
  }

  /** Both rows as one again, [T, C]. */
  join(encoded: tf.Tensor2D | undefined, decoded: tf.Tensor2D): tf.Tensor2D {
    if (encoded === undefined) return decoded;
    const places = new Int32Array(this.encoder.rows.length + this.decoder.rows.length);
    for (const [place, row] of [...this.encoder.rows, ...this.decoder.rows].entries()) places[row] = place;
    return embedding(places, tf.concat([encoded, decoded], 0) as tf.Tensor2D);
  }
}

const rowsOf = (x: tf.Tensor2D, rows: Int32Array): tf.Tensor2D => (rows.length === x.shape[0] ? x : embedding(rows, x));

function checkSources(segments: readonly Segment[], decoded: readonly number[], modelType: string): void {
  const alone = decoded.find((index) => segments[index]!.source === undefined && segments[index]!.continues !== true);
  if (alone !== undefined) throw architectureErrors.noSource({ modelType, segment: alone });
}

/** The segments `own` as a row; what they name as sources are numbers among `sources`. */
function streamOf(context: ForwardContext, own: readonly number[], sources: readonly number[]): Stream {
  let end = 0;
  const segments = own.map((index): Segment => {
    const { length, prefix, source, ...rest } = context.segments[index]!;
    const start = (end += length) - length;
    return {
      ...rest,
      start,
      length,
      ...(prefix === undefined ? {} : { prefix: own.indexOf(prefix) }),
      ...(source === undefined ? {} : { source: sources.indexOf(source) }),
    };
  });
  const rows = Int32Array.from(
    own.flatMap((index) => {
      const { start, length } = context.segments[index]!;
      return Array.from({ length }, (_, at) => start + at);
    }),
  );
  const { positions, adapter } = context;
  return {
    rows,
    context: { ...context, segments, positions: positionsOf(positions, rows), adapter: adapterOf(adapter, own) },
  };
}

const positionsOf = (positions: Positions, rows: Int32Array): Positions => {
  const of = (axis: Int32Array) => rows.map((row) => axis[row]!);
  return positions instanceof Int32Array ? of(positions) : [of(positions[0]), of(positions[1]), of(positions[2])];
};

const adapterOf = (adapter: ActiveAdapter | null, own: readonly number[]): ActiveAdapter | null =>
  adapter?.ofSegments === undefined
    ? adapter
    : { ...adapter, ofSegments: own.map((index) => adapter.ofSegments![index] ?? null) };
