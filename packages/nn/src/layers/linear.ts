// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { ForwardContext, LinearLayer, WeightSource } from '../contracts/index.js';
import { linear } from '../ops/linear/linear.js';

/** y = x Wᵀ + b with whatever adapter the context carries: x [T, inputs] → [T, outputs]. */
export class Linear implements LinearLayer {
  readonly inputs: number;
  readonly outputs: number;

  constructor(
    readonly path: string,
    readonly weight: Tensor2D,
    readonly bias: Tensor1D | null = null,
  ) {
    [this.outputs, this.inputs] = weight.shape;
  }

  /** The layer whose weights are `<path>.weight` and, if it has one, `<path>.bias`. */
  static from(weights: WeightSource, path: string, options: { readonly bias: boolean }): Linear {
    const weight = weights.take(`${path}.weight`).value as Tensor2D;
    const bias = options.bias ? (weights.take(`${path}.bias`).value as Tensor1D) : null;
    return new Linear(path, weight, bias);
  }

  forward(x: Tensor2D, { adapter, training, randomKey }: ForwardContext): Tensor2D {
    const lowRank = adapter?.lowRank(this.path) ?? null;
    const y = linear(x, this.weight, {
      bias: this.bias,
      lowRank,
      ...(training ? { dropoutKey: { key: randomKey, site: this.path } } : {}),
    });
    return adapter?.transform?.(this, x, y) ?? y;
  }
}
