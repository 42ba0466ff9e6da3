// SPDX-License-Identifier: Apache-2.0
import type { Tensor3D, Variable } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** tfjs tensors cannot be changed in place: the whole target is made anew. */
export function writeRowsComposite(target: Variable, values: Tensor3D, rows: Int32Array): void {
  const written = tf.tidy(() => {
    const places = tf.tensor2d(rows, [rows.length, 1], 'int32');
    const flat = tf.reshape(target, [target.shape[0]!, -1]);
    return tf.reshape(tf.tensorScatterUpdate(flat, places, tf.reshape(values, [rows.length, -1])), target.shape);
  });
  target.assign(written);
  written.dispose();
}

/** Where values are JS arrays they are written where they lie. */
export function writeRowsOnHost(target: Variable, values: Tensor3D, rows: Int32Array): void {
  const [into, from] = [target.dataSync(), values.dataSync()];
  const width = values.size / rows.length;
  for (const [at, row] of rows.entries()) into.set(from.subarray(at * width, (at + 1) * width), row * width);
}
