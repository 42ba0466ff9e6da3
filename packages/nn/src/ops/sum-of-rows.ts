// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';

/** Σ over rows of x [T, C] → [C]; 0 over none, where tfjs's wasm kernel leaves memory as it was. */
export const sumOfRows = (x: Tensor): Tensor1D =>
  x.shape[0] === 0 ? tf.zeros([x.shape[1]!]) : (tf.sum(x, 0) as Tensor1D);
