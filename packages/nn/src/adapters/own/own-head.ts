// SPDX-License-Identifier: Apache-2.0
/**
 * The low-rank update that an adapter gives the language-model head: its own, or, where head and tokens' table are one and
 * stay so (PEFT's ensure_weight_tying), the table's turned.
 */
import type { Tensor2D, Variable } from '@tensorflow/tfjs-core';
import type { HeadUpdate, LanguageHead } from '../../contracts/model.js';
import { allRows } from '../../layers/changed-embeddings.js';
import { tf } from '../../tf.js';

/** A low-rank update as it is trained. */
export interface TrainedPair {
  readonly a: Variable;
  readonly b: Variable;
  readonly scale: number;
}

/**
 * @param own A [rank, C], B [vocabulary, rank]
 * @param ofTable A [rank, vocabulary], B [C, rank]
 */
export function headUpdate(
  { own, ofTable }: { readonly own: TrainedPair | null; readonly ofTable: TrainedPair | null },
  facts: Pick<HeadUpdate, 'path' | 'dropout'>,
): (() => HeadUpdate) | null {
  if (own !== null) {
    const [a, b] = matricesOf(own);
    return () => ({ ...facts, a, b, scale: own.scale });
  }
  if (ofTable === null) return null;
  const [a, b] = matricesOf(ofTable);
  return () => ({ ...facts, a: tf.transpose(b), b: tf.transpose(a), scale: ofTable.scale });
}

const matricesOf = ({ a, b }: TrainedPair): [a: Tensor2D, b: Tensor2D] => [
  a as unknown as Tensor2D,
  b as unknown as Tensor2D,
];

/** The head's weight [vocabulary, C] with its update in it; the caller disposes it. */
export const updatedHead = ({ weight, update }: LanguageHead): Tensor2D =>
  tf.tidy(() => {
    if (update === undefined) return tf.clone(weight);
    const { a, b, scale } = update();
    return tf.add(allRows(weight), tf.mul(tf.matMul(b, a), scale));
  });
