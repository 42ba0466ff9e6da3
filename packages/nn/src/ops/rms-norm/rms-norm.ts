// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { rmsNormOp } from './gradient.js';

/**
 * Zhang & Sennrich, "Root mean square layer normalization", NeurIPS 2019, equation 4:
 * y = weight ∘ x / √(mean x² + ε) over the last axis. x [..., C], weight [C] → [..., C].
 *
 * @throws LLMF_NN_SHAPE
 */
export function rmsNorm<X extends Tensor>(x: X, weight: Tensor1D, epsilon: number): X {
  const size = x.shape.at(-1) ?? 1;
  checkShape('rmsNorm', 'weight', weight, [size], `[${size}], the last axis of x`);
  if (x.rank === 2) return rmsNormOp({ x: x as Tensor as Tensor2D, weight }, { epsilon })[0] as Tensor as X;
  return tf.tidy(() => {
    const rows = tf.reshape(x, [x.size / size, size]) as Tensor2D;
    return tf.reshape(rmsNormOp({ x: rows, weight }, { epsilon })[0], x.shape) as X;
  });
}
