// SPDX-License-Identifier: Apache-2.0
import { rmsNorm } from '../ops/rms-norm/rms-norm.js';
import { tf } from '../tf.js';
import type { ModelParts } from './model-parts.js';

/** Gemma's RMSNorm: it multiplies by 1 + weight, [size], so that weights begin at zero. */
export class OffsetRmsNorm {
  readonly weight: tf.Tensor1D;

  constructor(
    parts: ModelParts,
    size: number,
    private readonly epsilon: number,
  ) {
    this.weight = parts.take('weight', { shape: [size], init: 'zeros', kind: 'norm' }).value as tf.Tensor1D;
  }

  /** Over the last axis. */
  forward<X extends tf.Tensor>(x: X): X {
    return rmsNorm(x, tf.add(this.weight, 1), this.epsilon);
  }
}
