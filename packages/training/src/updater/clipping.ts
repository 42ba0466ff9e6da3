// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { globalNorm } from '@llmf/nn';
import { trainingHooks } from '../contracts/hooks.js';

/**
 * Clipping by global norm: every gradient is scaled by min(1, maximum / (norm + 1e-6)), as torch's clip_grad_norm_.
 * The optimizer applies the scale; norm and scale stay tensors.
 */
export function clipByGlobalNorm(run: Run): void {
  const { maxGradNorm } = run.config.train;
  trainingHooks(run).gradientsReady.tap('clip-by-global-norm', (ready) => {
    if (ready.gradients.size === 0) return ready;
    const values = [...ready.gradients.values()].map(({ value }) => value);
    const { norm, scale } = globalNorm(values, maxGradNorm);
    return { ...ready, norm, ...(scale === null ? {} : { scale }) };
  });
}
