// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { errors } from '../errors.js';
import { tf } from '../tf.js';

/** Whole numbers for an op: on the host (preferred: checked, and no backend is asked to read) or an int32 tensor, [n]. */
export type Ints = Int32Array | Tensor1D;

/** @throws LLMF_NN_SHAPE; null in `expected` stands for any size, named in `legend`. */
export function checkShape(
  op: string,
  input: string,
  tensor: Tensor,
  expected: readonly (number | null)[],
  legend: string,
): void {
  const { shape } = tensor;
  const fits =
    shape.length === expected.length && expected.every((size, axis) => size === null || size === shape[axis]);
  if (!fits) throw errors.shape({ op, input, got: shape, expected: legend });
}

/** The tensor of `ints`, checked against `limit` when they are on the host. @throws LLMF_NN_INDEX */
export function intTensor(op: string, input: string, ints: Ints, limit: number): Tensor1D {
  if (!(ints instanceof Int32Array)) {
    if (ints.dtype === 'int32' && ints.rank === 1) return ints;
    throw errors.shape({ op, input, got: ints.shape, expected: 'an Int32Array or an int32 tensor of one dimension' });
  }
  const wrong = ints.findIndex((value) => value < 0 || value >= limit);
  if (wrong !== -1) throw errors.index({ op, input, position: wrong, got: ints[wrong]!, limit });
  return tf.tensor1d(ints, 'int32');
}
