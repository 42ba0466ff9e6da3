// SPDX-License-Identifier: Apache-2.0
import { adapterOf, isBeginning, lengthBefore } from '../layers/adapter-of.js';
import type { ForwardContext } from '../contracts/model.js';
import type { Positions, Segment } from '../contracts/segments.js';
import { tf } from '../tf.js';
import { Insertions } from './insertions.js';

type Forward = (embedded: tf.Tensor2D, context: ForwardContext) => tf.Tensor2D;

/**
 * `forward` of embeddings [T, C] → [T, C] with an adapter's virtual tokens before each segment that begins a sequence: the
 * row grows on the way in and is itself again on the way out, and positions count what comes before, also keys that
 * attention layers put before a segment's own. A cache has room for the grown row.
 */
export function withAdapterRows(embedded: tf.Tensor2D, context: ForwardContext, forward: Forward): tf.Tensor2D {
  const { adapter, segments } = context;
  if (adapter?.ofSegments === undefined && lengthBefore(adapter) === 0) return forward(embedded, context);
  const adapters = segments.map((_, segment) => adapterOf(context, segment));
  const positions = moved(context.positions, segments, adapters.map(lengthBefore));
  const insertions = new Insertions(
    segments,
    segments.map((segment, at) => (isBeginning(segment) ? (adapters[at]?.virtualTokens?.length ?? 0) : 0)),
  );
  if (insertions.isEmpty) return forward(embedded, { ...context, positions });
  const grown = insertions.into(embedded, (segment) => adapters[segment]!.virtualTokens!.embeddings());
  const positionsBefore = (segment: number) => {
    const { virtualTokens, keysBefore } = adapters[segment]!;
    return Array.from({ length: virtualTokens!.length }, (_, token) => (keysBefore?.length ?? 0) + token);
  };
  const grownPositions = onAxes(positions, (axis) => insertions.intoInts(axis, positionsBefore));
  const addedAfterBlocks = context.addedAfterBlocks?.map((added) =>
    insertions.into(added, (segment) => tf.zeros([adapters[segment]!.virtualTokens!.length, added.shape[1]])),
  );
  const ofRow = {
    segments: insertions.grown,
    positions: grownPositions,
    ...(addedAfterBlocks && { addedAfterBlocks }),
  };
  return insertions.outOf(forward(grown, { ...context, ...ofRow }));
}

/** The positions of each segment's tokens, further on by its number. */
function moved(positions: Positions, segments: readonly Segment[], by: readonly number[]): Positions {
  return onAxes(positions, (axis) => {
    const further = Int32Array.from(axis);
    for (const [index, { start, length }] of segments.entries()) {
      for (let token = start; token < start + length; token++) further[token]! += by[index]!;
    }
    return further;
  });
}

const onAxes = (positions: Positions, change: (axis: Int32Array) => Int32Array): Positions =>
  positions instanceof Int32Array
    ? change(positions)
    : [change(positions[0]), change(positions[1]), change(positions[2])];
