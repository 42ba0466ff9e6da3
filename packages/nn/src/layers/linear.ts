// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import type { ForwardContext, LinearLayer } from '../contracts/index.js';
import { bySegment } from './by-segment.js';
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

  forward(x: Tensor2D, context: ForwardContext): Tensor2D {
    const { adapter, training, randomKey, firstToken: firstRow = 0 } = context;
    if (adapter?.ofSegments !== undefined) return bySegment(x, context, (rows, own) => this.forward(rows, own));
    const lowRank = adapter?.lowRank(this.path) ?? null;
    const input = adapter?.transformInput?.(this, x, context) ?? x;
    const y = linear(input, this.weight, {
      bias: this.bias,
      lowRank,
      ...(training ? { dropoutKey: { key: randomKey, site: this.path, firstRow } } : {}),
    });
    return adapter?.transform?.(this, input, y, context) ?? y;
  }
}
