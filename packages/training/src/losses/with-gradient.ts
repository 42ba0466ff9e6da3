// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D } from '@llmf/nn';
import { tf } from '@llmf/nn';

interface ValueAndGradient {
  readonly value: Tensor1D;
  /** dL/dx given dL/dy; may use only what was saved, the rest of the forward pass is gone by then. */
  readonly gradFunc: (dy: Tensor1D, saved: Tensor1D[]) => Tensor1D;
}

/** A function of one vector with a gradient of its own: `tf.customGrad`, typed. */
export function withGradient(
  x: Tensor1D,
  forward: (x: Tensor1D, save: (tensors: Tensor1D[]) => void) => ValueAndGradient,
): Tensor1D {
  return tf.customGrad(forward as Parameters<typeof tf.customGrad>[0])(x) as Tensor1D;
}
