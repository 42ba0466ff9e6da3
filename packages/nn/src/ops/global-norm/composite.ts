// SPDX-License-Identifier: Apache-2.0
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

export interface GlobalNormAttributes {
  readonly maximum: number | null;
}

/** [norm], or with a maximum [norm, scale]. */
export function globalNormComposite(
  tensors: Readonly<Record<string, Tensor>>,
  { maximum }: GlobalNormAttributes,
): readonly Scalar[] {
  const squares = Object.values(tensors).map((x) => tf.sum(tf.square(x)) as Scalar);
  const norm = tf.sqrt(squares.length === 0 ? tf.scalar(0) : tf.addN(squares)) as Scalar;
  return maximum === null ? [norm] : [norm, tf.minimum(1, tf.div(maximum, tf.add(norm, 1e-6))) as Scalar];
}
