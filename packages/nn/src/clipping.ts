// SPDX-License-Identifier: Apache-2.0
import type { GradientsReady, Run } from '@llmf/core';
import type { Scalar } from '@tensorflow/tfjs-core';
import { squaredSum } from './ops/squared-sum/squared-sum.js';
import { tf } from './tf.js';

/** √ Σ over all gradients of Σ g², a scalar that is not read back. */
export function globalNorm({ gradients }: Pick<GradientsReady, 'gradients'>): Scalar {
  return tf.tidy(() => {
    const squares = [...gradients.values()].map(({ value }) => squaredSum(value));
    return tf.sqrt(tf.addN(squares)) as Scalar;
  });
}

/**
 * Clipping by global norm: every gradient is scaled by min(1, maximum / (norm + 1e-6)), as torch's clip_grad_norm_.
 * The optimizer applies the scale; norm and scale stay tensors.
 */
export function clipByGlobalNorm(run: Run): void {
  const { maxGradNorm } = run.config.train;
  run.hooks.gradientsReady.tap('clip-by-global-norm', (ready) => {
    if (ready.gradients.size === 0) return;
    ready.norm = globalNorm(ready);
    if (maxGradNorm === null) return;
    const norm = ready.norm;
    ready.scale = tf.tidy(() => tf.minimum(1, tf.div(maxGradNorm, tf.add(norm, 1e-6))) as Scalar);
  });
}
