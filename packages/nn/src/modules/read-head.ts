// SPDX-License-Identifier: Apache-2.0
/** A language-model head with what an adapter adds to it. */
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { ForwardContext, HeadUpdate, LanguageHead } from '../contracts/model.js';
import { allRows } from '../layers/changed-embeddings.js';
import { dropped, linear } from '../ops/linear/linear.js';
import { softCapped } from '../ops/soft-cap.js';
import { tf } from '../tf.js';
import { packedOf } from '../weights/packed.js';

/** What log-probs are computed of: logits are hidden · weightᵀ + bias, perhaps softly capped. */
export interface HeadInputs {
  readonly hidden: Tensor2D; // [T, C], or [T, C + rank]
  readonly weight: Tensor2D; // [V, C], or [V, C + rank]
  readonly bias: Tensor1D | null;
  readonly softCap: number | undefined;
}

/** A low-rank update stands in them as `rank` more columns, so that the logits of a whole pass need not be there at once. */
export function headInputs(head: LanguageHead, hidden: Tensor2D, context: ForwardContext): HeadInputs {
  const { weight, bias, softCap } = head;
  const seen = head.transform?.(hidden, context) ?? hidden; // [T, C]
  const update = head.update?.();
  if (update === undefined) return { hidden: seen, weight, bias, softCap };
  return {
    hidden: tf.concat([seen, narrowed(seen, update, context)], 1),
    weight: tf.concat([packedOf(weight) === null ? weight : allRows(weight), update.b], 1),
    bias,
    softCap,
  };
}

/** Logits [rows, V] of chosen rows of the hidden states [T, C]. */
export function headLogits(
  head: LanguageHead,
  hidden: Tensor2D,
  rows: readonly number[] | Int32Array,
  context: ForwardContext,
): Tensor2D {
  const { weight, bias, softCap = 0 } = head;
  const seen = head.transform?.(hidden, context) ?? hidden;
  const chosen = (states: Tensor2D) => tf.gather(states, tf.tensor1d(Int32Array.from(rows), 'int32'));
  const plain = linear(chosen(seen), weight, { bias }); // [rows, V]
  const update = head.update?.();
  if (update === undefined) return softCapped(plain, softCap) as Tensor2D;
  const added = linear(chosen(narrowed(seen, update, context)), update.b);
  return softCapped(tf.add(plain, added), softCap) as Tensor2D;
}

/** scale · dropout(h) Aᵀ, [T, rank] */
function narrowed(hidden: Tensor2D, { path, a, scale, dropout }: HeadUpdate, context: ForwardContext): Tensor2D {
  const { training, randomKey: key, firstToken: firstRow = 0 } = context;
  const input = dropped(hidden, dropout, training ? { key, site: path, firstRow } : undefined);
  return tf.mul(linear(input, a), scale);
}
