// SPDX-License-Identifier: Apache-2.0
import type { Parameter, WeightInfo, WeightSource } from '../contracts/model.js';
import { tf } from '../tf.js';

/** Gives weights that have a shape and no values, and remembers what was asked for. */
export class WeightRecorder implements WeightSource {
  readonly weights = new Map<string, WeightInfo>();

  take(name: string, info: WeightInfo): Parameter {
    this.weights.set(name, info);
    return { name, shape: info.shape, trainable: false, value: shapeOnly(info.shape) };
  }
}

/** A tensor that no engine knows: nothing to free, nothing to read. */
export const shapeOnly = (shape: readonly number[]): tf.Tensor => new tf.Tensor([...shape], 'float32', {}, -1);
