// SPDX-License-Identifier: Apache-2.0
import { gelu, tf, type ForwardContext, type Linear, type ModelParts } from '@llmf/nn';

/** Patches of a merge block, side by side, through two linear layers with GELU between. */
export class PatchMerger {
  readonly first: Linear;
  readonly second: Linear;

  /** @param widths of a patch and of the language model */
  constructor(
    parts: ModelParts,
    [width, out]: readonly [number, number],
    private readonly patchesPerToken: number,
  ) {
    const merged = width * patchesPerToken;
    this.first = parts.linear('mlp.0', [merged, merged], true);
    this.second = parts.linear('mlp.2', [out, merged], true);
  }

  /** [P, E] → [M, C] */
  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const [patches, width] = x.shape;
    const merged: tf.Tensor2D = tf.reshape(x, [patches / this.patchesPerToken, width * this.patchesPerToken]);
    return this.second.forward(gelu(this.first.forward(merged, context), 'exact'), context);
  }
}
