// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D } from '@tensorflow/tfjs-core';
import { adapterOf } from './adapter-of.js';
import type { ActiveAdapter, ForwardContext } from '../contracts/model.js';
import { errors } from '../errors.js';
import { tf } from '../tf.js';

/** Rows of a pass that have the same adapter. */
export interface Share {
  readonly adapter: ActiveAdapter | null;
  readonly rows: number[];
}

/**
 * `layer` with the adapter of each row's segment: x [T, K] → [T, N]. Rows of one adapter go through the layer together and
 * as with that adapter alone, so that a row's result is the same whatever its neighbours have.
 *
 * @throws LLMF_NN_SHAPE for x of another row than the segments'
 */
export function bySegment(
  x: Tensor2D,
  context: ForwardContext,
  layer: (x: Tensor2D, context: ForwardContext) => Tensor2D,
): Tensor2D {
  const shares = sharesOf(context, x.shape[0]);
  const parts = shares.map(({ adapter, rows }) => layer(tf.gather(x, rows), { ...context, adapter }));
  const order = Int32Array.from(shares.flatMap(({ rows }) => rows));
  const places = new Int32Array(order.length);
  for (const [place, row] of order.entries()) places[row] = place;
  return tf.gather(tf.concat(parts, 0), tf.tensor1d(places, 'int32'));
}

/** Every row once; those of no segment have no adapter. */
export function sharesOf(context: Pick<ForwardContext, 'adapter' | 'segments'>, tokens: number): Share[] {
  const adapters = Array.from({ length: tokens }, (): ActiveAdapter | null => null);
  for (const [segment, { start, length }] of context.segments.entries()) {
    if (start + length > tokens)
      throw errors.shape({ op: 'linear', input: 'x', got: [tokens], expected: 'a row for each token of the pass' });
    adapters.fill(adapterOf(context, segment), start, start + length);
  }
  const shares = new Map<ActiveAdapter | null, Share>();
  for (const [row, adapter] of adapters.entries()) {
    const share = shares.get(adapter) ?? { adapter, rows: [] };
    shares.set(adapter, share);
    share.rows.push(row);
  }
  return [...shares.values()];
}
