// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';

/** tfjs tensors cannot be changed in place: the sum is a new one. */
export const accumulateComposite = ({ accumulator, value }: { accumulator: Tensor; value: Tensor }): Tensor =>
  tf.add(accumulator, value);
