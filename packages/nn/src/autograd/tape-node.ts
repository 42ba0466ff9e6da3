// SPDX-License-Identifier: Apache-2.0
import type { Tensor } from '@tensorflow/tfjs-core';
import type { Recipe } from './recipe.js';

/** One recorded operation: tfjs's own record of a kernel, or ours (`ops/define-op.ts`), which takes absent dys. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly Tensor[];
  /** Tensors the gradient needs, owned by the node. */
  readonly saved?: readonly Tensor[];
  /** Tensors the gradient needs and computes again. */
  readonly recomputed?: readonly Recipe[];
  /**
   * `wants` names the inputs whose gradients are asked for, `sums` has the gradients that they have from elsewhere; tfjs's
   * own nodes ignore both and answer lazily. An answer that is the sum itself has been added to it.
   */
  readonly gradient?: (
    dys: (Tensor | null)[],
    wants: ReadonlySet<string>,
    sums: Readonly<Record<string, Tensor>>,
  ) => Record<string, () => Tensor>;
}
