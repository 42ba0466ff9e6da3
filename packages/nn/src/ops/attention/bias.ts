// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { AttentionAttributes, AttentionSpan, BiasPlace } from '../../contracts/index.js';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { embeddingGradient } from '../embedding/gradient.js';
import { numberOf, seenColumns } from './spans.js';

/** Where, in a head's entries, that of column 0 lies for query i of a span; columns follow one another. */
export const entryOf = (span: AttentionSpan, { by, zero }: BiasPlace, i: number): number =>
  by === 'key' ? 0 : zero - numberOf(span, i);

/** @throws LLMF_NN_SPANS where a query sees a key for which the bias [H, `entries`] has no entry. */
export function checkBias(attributes: AttentionAttributes, place: BiasPlace, entries: number): void {
  for (const [index, span] of attributes.spans.entries()) {
    for (const i of span.queryLength === 0 ? [] : [0, span.queryLength - 1]) {
      const [first, end] = seenColumns(span, attributes, i).map((column) => entryOf(span, place, i) + column);
      if (first! >= 0 && end! <= entries) continue;
      const problem = `entries ${first} to ${end! - 1} of a bias that has ${entries}`;
      throw errors.spans({ op: 'attention', span: index, problem });
    }
  }
}

/** What is added to the scores of a span: [H, Lq or 1, L]. */
export function biasOf(span: AttentionSpan, place: BiasPlace, bias: Tensor2D): Tensor3D {
  const heads = bias.shape[0];
  const columns = span.prefixLength + span.keyLength;
  if (place.by === 'key') return tf.reshape(tf.slice(bias, [0, 0], [heads, columns]), [heads, 1, columns]);
  const entries = entriesOf(span, place, bias.shape[1]);
  return tf.reshape(tf.gather(bias, tf.tensor1d(entries, 'int32'), 1), [heads, span.queryLength, columns]);
}

/** The gradient of the bias [H, `count`] by that of a span's scores, [H, Lq, L]. */
export function biasGradientOf(span: AttentionSpan, place: BiasPlace, dScores: Tensor3D, count: number): Tensor2D {
  const [heads, queries, columns] = dScores.shape;
  if (place.by === 'key')
    return tf.pad(tf.sum(dScores, 1), [
      [0, 0],
      [0, count - columns],
    ]) as Tensor2D;
  const rows = tf.transpose(tf.reshape(dScores, [heads, queries * columns])) as Tensor2D;
  const ids = tf.tensor1d(entriesOf(span, place, count), 'int32');
  return tf.transpose(embeddingGradient({ dy: rows, ids }, { vocabulary: count })[0]);
}

/** The entry of each query and column; of those that no query sees (and that have no gradient), the nearest there is. */
function entriesOf(span: AttentionSpan, place: BiasPlace, count: number): Int32Array {
  const columns = span.prefixLength + span.keyLength;
  return Int32Array.from({ length: span.queryLength * columns }, (_, at) => {
    const i = Math.floor(at / columns);
    return Math.min(count - 1, Math.max(0, entryOf(span, place, i) + (at % columns)));
  });
}
