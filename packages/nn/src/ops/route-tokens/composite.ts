// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { scatterRows } from '../embedding/scatter-rows.js';

/** Counts and places are whole numbers in float32: exact below 2²⁴. */
export function routeTokensComposite(
  { probabilities }: { readonly probabilities: Tensor2D },
  { perToken }: { readonly perToken: number },
): readonly Tensor1D[] {
  const [tokens, experts] = probabilities.shape;
  const slots = tokens * perToken;
  const { indices } = tf.topk(probabilities, perToken);
  const chosen = tf.cast(tf.reshape(indices, [slots]), 'int32') as Tensor1D;
  const token = tf.floor(tf.div(tf.range(0, slots), perToken)) as Tensor1D;
  const cells = tf.add(tf.mul(token, experts), tf.cast(chosen, 'float32'));
  const isOf = tf.cast(tf.oneHot(chosen, experts), 'float32') as Tensor2D; // [S, E]
  const counts = slots === 0 ? tf.zeros([experts]) : tf.sum(isOf, 0);
  const starts = tf.concat([tf.zeros([1]), tf.cumsum(counts)]) as Tensor1D; // [E + 1]
  const before = tf.add(tf.cumsum(isOf, 0, true), tf.slice(starts, [0], [experts])); // [S, E], of the slot's own expert: its place
  const places = tf.cast(tf.sum(tf.mul(isOf, before), 1), 'int32') as Tensor1D;
  const rows = tf.cast(tf.reshape(scatterRows(tf.reshape(token, [slots, 1]), places, slots), [slots]), 'int32');
  return [chosen, tf.cast(cells, 'int32') as Tensor1D, places, rows as Tensor1D, tf.cast(starts, 'int32')];
}
