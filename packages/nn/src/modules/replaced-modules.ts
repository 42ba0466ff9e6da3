// SPDX-License-Identifier: Apache-2.0
/** How a pass reads modules that an adapter has in the place of the model's. */
import type { Tensor2D } from '@tensorflow/tfjs-core';
import type { ActiveAdapter, ForwardContext, LanguageHead, Model } from '../contracts/model.js';
import { sharesOf } from '../layers/by-segment.js';
import { tf } from '../tf.js';
import { architectureErrors } from './architecture-errors.js';

type Place = Pick<ForwardContext, 'adapter' | 'segments'>;

/** ids [T] → [T, C] by the table that the adapter of each segment has. @throws LLMF_NN_SHAPE, LLMF_NN_INDEX */
export function embedded(model: Model, ids: Int32Array, { adapter, segments }: Place): Tensor2D {
  const of = (each: ActiveAdapter | null) => each?.replaced?.model ?? model;
  if (adapter?.ofSegments === undefined) return of(adapter).embed(ids);
  if (adapter.ofSegments.every((each) => each?.replaced === undefined)) return model.embed(ids);
  const shares = sharesOf({ adapter, segments }, ids.length);
  const parts = shares.map(({ adapter: each, rows }) => of(each).embed(Int32Array.from(rows, (row) => ids[row]!)));
  const places = new Int32Array(ids.length);
  for (const [place, row] of shares.flatMap(({ rows }) => rows).entries()) places[row] = place;
  return tf.gather(tf.concat(parts, 0), tf.tensor1d(places, 'int32'));
}

/** The head that reads a pass with this one adapter. */
export function headOf(model: Model, adapter: ActiveAdapter | null): LanguageHead {
  const replaced = adapter?.replaced?.model.head;
  if (replaced === undefined) return model.head;
  return model.reads?.(replaced) ?? replaced;
}

/**
 * The model whose modules between embeddings and head a pass goes through; null: its own.
 * @throws LLMF_NN_MODULES_PER_ROW where segments do not share one
 */
export function replacedBetween({ adapter }: Place): Model | null {
  if (adapter?.ofSegments === undefined) return adapter?.replaced?.model ?? null;
  const models = new Set(
    adapter.ofSegments.map((each) => (each?.replaced?.areBetween === true ? each.replaced.model : null)),
  );
  if (models.size > 1) throw architectureErrors.modulesPerRow({});
  return [...models][0] ?? null;
}
