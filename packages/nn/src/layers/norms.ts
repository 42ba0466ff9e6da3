// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import { layerNorm } from '../ops/layer-norm/layer-norm.js';
import { rmsNorm } from '../ops/rms-norm/rms-norm.js';
import { tf } from '../tf.js';

/** RMSNorm over the last axis, of any leading shape. */
export class RmsNorm {
  constructor(
    readonly weight: Tensor1D,
    readonly epsilon: number,
  ) {}

  forward<X extends Tensor>(x: X): X {
    return rmsNorm(x, this.weight, this.epsilon);
  }
}

/** LayerNorm over the last axis, of any leading shape. */
export class LayerNorm {
  constructor(
    readonly weight: Tensor1D,
    readonly bias: Tensor1D | null,
    readonly epsilon: number,
  ) {}

  forward<X extends Tensor>(x: X): X {
    const { weight, bias, epsilon } = this;
    if (bias !== null) return layerNorm(x, weight, bias, epsilon);
    return tf.tidy(() => layerNorm(x, weight, tf.zeros(weight.shape) as Tensor1D, epsilon));
  }
}
