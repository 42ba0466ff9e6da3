// SPDX-License-Identifier: Apache-2.0
import { linear, tf, type ModelParts } from '@llmf/nn';

/** The shape of a patch, by the checkpoints' names. */
interface PatchConfig {
  readonly in_channels: number;
  readonly temporal_patch_size: number;
  readonly patch_size: number;
}

/** Values of a patch. */
export const patchValues = ({ in_channels, temporal_patch_size, patch_size }: PatchConfig): number =>
  in_channels * temporal_patch_size * patch_size ** 2;

/**
 * A convolution whose stride equals its kernel, over patches that are already cut: one linear map of a patch's values.
 * The weight keeps the checkpoint's shape, [embedding, channels, frames, rows, columns].
 */
export class PatchEmbedding {
  private readonly weight: tf.Tensor;
  private readonly bias: tf.Tensor1D | null;

  constructor(parts: ModelParts, config: PatchConfig, width: number, hasBias = false) {
    const { in_channels: channels, temporal_patch_size: frames, patch_size: side } = config;
    const shape = [width, channels, frames, side, side];
    this.weight = parts.take('weight', { shape, init: 'normal', kind: 'convolution' }).value;
    this.bias = hasBias ? parts.bias('bias', width) : null;
  }

  /** [P, values] → [P, embedding] */
  forward(patches: tf.Tensor2D): tf.Tensor2D {
    const outputs = this.weight.shape[0]!;
    return linear(patches, tf.reshape(this.weight, [outputs, this.weight.size / outputs]), { bias: this.bias });
  }
}
