// SPDX-License-Identifier: Apache-2.0
import { linear, tf, type WeightSource } from '@llmf/nn';

/**
 * A convolution whose stride equals its kernel, over patches that are already cut: one linear map of a patch's values.
 * The weight keeps the checkpoint's shape, [embedding, channels, frames, rows, columns].
 */
export class PatchEmbedding {
  private constructor(private readonly weight: tf.Tensor) {}

  static from(weights: WeightSource, path: string): PatchEmbedding {
    return new PatchEmbedding(weights.take(`${path}.weight`).value);
  }

  /** [P, values] → [P, embedding] */
  forward(patches: tf.Tensor2D): tf.Tensor2D {
    const outputs = this.weight.shape[0]!;
    return linear(patches, tf.reshape(this.weight, [outputs, this.weight.size / outputs]));
  }
}
