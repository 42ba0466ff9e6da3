// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D, Variable } from '@llmf/nn';

/** x [n, C] → [n, C] */
export interface PromptEncoder {
  readonly variables: ReadonlyMap<string, Variable>;
  forward(x: Tensor2D): Tensor2D;
}

/** Widths of a prompt encoder: of the model's embeddings, and inside. */
export interface EncoderSizes {
  readonly size: number;
  readonly hiddenSize: number;
  readonly layers: number;
}
