// SPDX-License-Identifier: Apache-2.0
import { attention, Linear, rope, tf, type AttentionSpan, type ForwardContext, type WeightSource } from '@llmf/nn';
import { patchRope } from './patch-rope.js';

/** cos and sin of every patch's angles, each [P, headSize / 2]; a function, since a recomputed block makes its own. */
export type Angles = () => { readonly cos: tf.Tensor2D; readonly sin: tf.Tensor2D };

/** @param places [P, 2] row and column of each patch */
export function anglesOf(places: Int32Array, headSize: number, isRecomputed: boolean): Angles {
  const tables = patchRope(places, headSize);
  const shape: [number, number] = [places.length / 2, headSize / 2];
  const make = () => ({ cos: tf.tensor2d(tables.cos, shape), sin: tf.tensor2d(tables.sin, shape) });
  if (isRecomputed) return make;
  const once = make();
  return () => once;
}

/** Multi-head attention of patches among those of their span, both ways. One matrix makes queries, keys and values. */
export class VisionAttention {
  readonly qkv: Linear;
  readonly proj: Linear;

  constructor(
    weights: WeightSource,
    path: string,
    private readonly heads: number,
  ) {
    this.qkv = Linear.from(weights, `${path}.qkv`, { bias: true });
    this.proj = Linear.from(weights, `${path}.proj`, { bias: true });
  }

  forward(x: tf.Tensor2D, spans: readonly AttentionSpan[], angles: Angles, context: ForwardContext): tf.Tensor2D {
    const { cos, sin } = angles();
    const [patches, hidden] = x.shape;
    const [q, k, v] = tf
      .split(this.qkv.forward(x, context), 3, 1)
      .map((part) => tf.reshape(part, [patches, this.heads, hidden / this.heads])) as [
      tf.Tensor3D,
      tf.Tensor3D,
      tf.Tensor3D,
    ]; // [P, H, D]
    const mixed = attention(rope(q, cos, sin), rope(k, cos, sin), v, { spans, causal: false }); // [P, H, D]
    return this.proj.forward(tf.reshape(mixed, [patches, hidden]), context);
  }
}
