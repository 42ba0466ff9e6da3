// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { layerNormOp } from './gradient.js';

/**
 * Ba, Kiros & Hinton, "Layer normalization", 2016, equation 4:
 * y = weight ∘ (x − mean x) / √(var x + ε) + bias over the last axis. x [..., C], weight and bias [C] → [..., C].
 *
 * @throws LLMF_NN_SHAPE
 */
export function layerNorm<X extends Tensor>(x: X, weight: Tensor1D, bias: Tensor1D, epsilon: number): X {
  const size = x.shape.at(-1) ?? 1;
  checkShape('layerNorm', 'weight', weight, [size], `[${size}], the last axis of x`);
  checkShape('layerNorm', 'bias', bias, [size], `[${size}], the last axis of x`);
  if (x.rank === 2) return layerNormOp({ x: x as Tensor as Tensor2D, weight, bias }, { epsilon })[0] as Tensor as X;
  return tf.tidy(() => {
    const rows = tf.reshape(x, [x.size / size, size]) as Tensor2D;
    return tf.reshape(layerNormOp({ x: rows, weight, bias }, { epsilon })[0], x.shape) as X;
  });
}
