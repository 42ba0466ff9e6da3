// SPDX-License-Identifier: Apache-2.0
import type { Scalar, Tensor } from '@tensorflow/tfjs-core';
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { globalNormComposite, type GlobalNormAttributes } from './composite.js';

const globalNormKernel = defineKernel<Readonly<Record<string, Tensor>>, GlobalNormAttributes, readonly Scalar[]>(
  kernels.globalNorm,
  globalNormComposite,
);

/**
 * norm = √ Σ x² over all tensors together, of any shapes, and with a maximum scale = min(1, maximum / (norm + 1e-6)), by
 * which torch's clip_grad_norm_ multiplies. Neither is read back. Of gradients: it has no gradient of its own.
 */
export function globalNorm(
  tensors: readonly Tensor[],
  maximum: number | null,
): { readonly norm: Scalar; readonly scale: Scalar | null } {
  const inputs = Object.fromEntries(tensors.map((tensor, index) => [`x${index}`, tensor]));
  const [norm, scale = null] = globalNormKernel(inputs, { maximum });
  return { norm: norm!, scale };
}
