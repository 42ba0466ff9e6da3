// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';

/**
 * Sums rows into `count` places: values [n, C], places [n] int32 → [count, C]; rows of one place are added in order.
 * tfjs's own segment sum visits every place for every row in JS and is missing in wasm, so where it is that one (the
 * data then live in this process) the rows are added on the host.
 */
export function scatterRows(values: Tensor2D, places: Tensor1D, count: number): Tensor2D {
  return hasFastSegmentSum() ? tf.unsortedSegmentSum(values, places, count) : onHost(values, places, count);
}

function hasFastSegmentSum(): boolean {
  const kernel = tf.getKernel('UnsortedSegmentSum', tf.getBackend());
  return kernel !== undefined && kernel.kernelFunc !== tf.getKernel('UnsortedSegmentSum', 'cpu').kernelFunc;
}

function onHost(values: Tensor2D, places: Tensor1D, count: number): Tensor2D {
  const width = values.shape[1];
  const from = values.dataSync();
  const sums = new Float32Array(count * width);
  for (const [row, place] of places.dataSync().entries()) {
    const start = row * width;
    const target = place * width;
    for (let column = 0; column < width; column++) sums[target + column]! += from[start + column]!;
  }
  return tf.tensor2d(sums, [count, width], 'float32');
}
