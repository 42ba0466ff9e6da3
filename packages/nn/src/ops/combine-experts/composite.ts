// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { scatterRows } from '../embedding/scatter-rows.js';

export interface CombinedInputs {
  readonly rows: Tensor2D; // [T · k, C]
  readonly weights: Tensor2D; // [T, k]
  readonly places: Tensor1D; // [T · k] int32
}

/** y[t] = Σ_j weights[t, j] · rows[places[t·k + j]] */
export function combineExpertsComposite({ rows, weights, places }: CombinedInputs): readonly [Tensor2D] {
  const [tokens, perToken] = weights.shape;
  const weighted = tf.mul(tf.gather(rows, places), column(weights));
  return [tf.sum(tf.reshape(weighted, [tokens, perToken, rows.shape[1]]), 1)];
}

/** dRows[places[s]] = weights[s] · dy[t], dWeights[s] = rows[places[s]] · dy[t] with t = ⌊s / k⌋ */
export function combineExpertsGradientComposite({
  dy,
  rows,
  weights,
  places,
}: CombinedInputs & { readonly dy: Tensor2D }): readonly [Tensor2D, Tensor2D] {
  const [tokens, perToken] = weights.shape;
  const columns = rows.shape[1];
  const bySlot = tf.reshape(tf.tile(tf.reshape(dy, [tokens, 1, columns]), [1, perToken, 1]), rows.shape);
  const dRows = scatterRows(tf.mul(bySlot, column(weights)), places, rows.shape[0]);
  return [dRows, tf.reshape(tf.sum(tf.mul(tf.gather(rows, places), bySlot), 1), weights.shape)];
}

const column = (weights: Tensor2D): Tensor2D => tf.reshape(weights, [weights.size, 1]);
