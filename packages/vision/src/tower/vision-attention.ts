// SPDX-License-Identifier: Apache-2.0
import { attention, joinHeads, rope, splitHeads, tf, type Linear, type ModelParts } from '@llmf/nn';
import type { TowerPass } from './tower-pass.js';

/** Multi-head attention of patches among those of their span, both ways. One matrix makes queries, keys and values. */
export class VisionAttention {
  readonly qkv: Linear;
  readonly proj: Linear;

  constructor(
    parts: ModelParts,
    private readonly layer: number,
    width: number,
    private readonly headDim: number,
  ) {
    this.qkv = parts.linear('qkv', [3 * width, width], true);
    this.proj = parts.linear('proj', [width, width], true);
  }

  forward(x: tf.Tensor2D, { context, angles, spansOf }: TowerPass): tf.Tensor2D {
    const { cos, sin } = angles();
    const joined = this.qkv.forward(x, context); // [P, 3E]
    const [q, k, v] = tf.split<tf.Tensor2D>(joined, 3, 1).map((part) => splitHeads(part, this.headDim)); // [P, H, D]
    const how = { spans: spansOf(this.layer), causal: false };
    const mixed = attention(rope(q!, cos, sin), rope(k!, cos, sin), v!, how); // [P, H, D]
    return this.proj.forward(joinHeads(mixed), context);
  }
}
