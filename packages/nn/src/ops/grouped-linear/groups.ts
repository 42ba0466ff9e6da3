// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { isInHostMemory } from '../host-memory.js';

/** Rows by group, for composites: matrices apart, and products of them together again. */
export interface Groups {
  /** x [S, …] of each group: its rows, or all rows with zeros for those of others. */
  apart(x: Tensor2D): Tensor2D[];
  /** The rows of all groups, from what each gave for its own: zeros give zeros. */
  together(parts: readonly Tensor2D[]): Tensor2D;
}

/** Where values cannot be read, nobody knows how many rows a group has: each group then computes all rows. */
export const groupsOf = (starts: Tensor1D): Groups =>
  isInHostMemory() ? byRows(starts.dataSync() as Int32Array) : byMasks(starts);

const byRows = (starts: Int32Array): Groups => ({
  apart: (x) =>
    Array.from({ length: starts.length - 1 }, (_, group) => rowsBetween(x, starts[group]!, starts[group + 1]!)),
  together: (parts) => tf.concat([...parts], 0),
});

const rowsBetween = (x: Tensor2D, first: number, end: number): Tensor2D =>
  tf.slice(x, [first, 0], [end - first, x.shape[1]]);

const byMasks = (starts: Tensor1D): Groups => ({
  apart(x) {
    const row = tf.range(0, x.shape[0], 1, 'int32');
    return Array.from({ length: starts.size - 1 }, (_, group) => {
      const isAfter = tf.greaterEqual(row, tf.slice(starts, [group], [1]));
      const isOwn = tf.logicalAnd(isAfter, tf.less(row, tf.slice(starts, [group + 1], [1])));
      return tf.mul(x, tf.reshape(tf.cast(isOwn, 'float32'), [x.shape[0], 1])) as Tensor2D;
    });
  },
  together: (parts) => tf.addN([...parts]),
});
