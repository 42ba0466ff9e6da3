// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tfjs.js';
import { isInHostMemory } from '../host-memory.js';

/**
 * Sums rows into `count` places: values [n, C], places [n] int32 → [count, C]; rows of one place are added in order.
 * On the host where the values are there anyway: tfjs's own segment sum in JS visits every place for every row, and
 * wasm has none.
 */
export function scatterRows(values: Tensor2D, places: Tensor1D, count: number): Tensor2D {
  const hasKernel = tf.getKernel('UnsortedSegmentSum', tf.getBackend()) !== undefined; // wasm has none
  return isInHostMemory() || !hasKernel ? onHost(values, places, count) : tf.unsortedSegmentSum(values, places, count);
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
