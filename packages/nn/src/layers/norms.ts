// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { WeightSource } from '../contracts/index.js';
import { layerNorm } from '../ops/layer-norm/layer-norm.js';
import { rmsNorm } from '../ops/rms-norm/rms-norm.js';

/** RMSNorm over the last axis, of any leading shape. */
export class RmsNorm {
  constructor(
    readonly weight: Tensor1D,
    readonly epsilon: number,
  ) {}

  /** The norm whose weight is `<path>.weight`. */
  static from(weights: WeightSource, path: string, epsilon: number): RmsNorm {
    return new RmsNorm(weights.take(`${path}.weight`).value as Tensor1D, epsilon);
  }

  forward<X extends Tensor>(x: X): X {
    return rmsNorm(x, this.weight, this.epsilon);
  }
}

/** LayerNorm over the last axis, of any leading shape. */
export class LayerNorm {
  constructor(
    readonly weight: Tensor1D,
    readonly bias: Tensor1D,
    readonly epsilon: number,
  ) {}

  /** The norm whose weights are `<path>.weight` and `<path>.bias`. */
  static from(weights: WeightSource, path: string, epsilon: number): LayerNorm {
    const weight = weights.take(`${path}.weight`).value as Tensor1D;
    return new LayerNorm(weight, weights.take(`${path}.bias`).value as Tensor1D, epsilon);
  }

  forward<X extends Tensor>(x: X): X {
    return layerNorm(x, this.weight, this.bias, this.epsilon);
  }
}
