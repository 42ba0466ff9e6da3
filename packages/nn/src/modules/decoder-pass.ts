// SPDX-License-Identifier: Apache-2.0
import { attention } from '../ops/attention/attention.js';
import { rope } from '../ops/rope/rope.js';
import {
  ropeTensors,
  ropeValues,
  type RopeOptions,
  type RopeTables,
  type RopeValues,
} from '../ops/rope/rope-tables.js';
import { spansOf } from '../ops/attention/spans.js';
import { tf } from '../tf.js';
import type { AttentionSpan } from '../contracts/ops.js';
import type { ForwardContext } from '../contracts/model.js';

/** What all blocks of one forward pass share: spans of the packed row and rotary tables, computed once. */
export class DecoderPass {
  private readonly spans: readonly AttentionSpan[];
  private readonly rotary: RopeValues | null;
  private readonly tables: RopeTables | null;

  /** @param options null: positions are not rotary */
  constructor(
    readonly context: ForwardContext,
    options: RopeOptions | null = null,
  ) {
    this.spans = context.cache?.spans ?? spansOf(context.segments);
    this.rotary = options === null ? null : ropeValues(context.positions, options);
    // A recomputed block runs after the tensors of the pass are gone and makes its own.
    this.tables = this.rotary === null || context.gradientCheckpointing ? null : ropeTensors(this.rotary);
  }

  /** Turns queries [T, H, D] and keys [T, G, D] by their positions. */
  rotate(q: tf.Tensor3D, k: tf.Tensor3D): [tf.Tensor3D, tf.Tensor3D] {
    if (this.rotary === null) return [q, k];
    const { cos, sin } = this.tables ?? ropeTensors(this.rotary);
    return [rope(q, cos, sin), rope(k, cos, sin)];
  }

  /**
   * Causal attention within segments (and to their prefixes): q [T, H, D], k and v [T, G, D] → [T, H, D].
   * With a cache, k and v of the earlier tokens come first. `window` 0: none.
   */
  attend(layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, window = 0): tf.Tensor3D {
    const { keys, values } = this.context.cache?.append(layer, k, v) ?? { keys: k, values: v };
    return attention(q, keys, values, { spans: this.spans, scale: 1 / Math.sqrt(q.shape[2]), causal: true, window });
  }
}

/** [T, H·D] → [T, H, D] */
export const splitHeads = (x: tf.Tensor2D, headDim: number): tf.Tensor3D =>
  tf.reshape(x, [x.shape[0], x.shape[1] / headDim, headDim]);

/** [T, H, D] → [T, H·D] */
export const joinHeads = (x: tf.Tensor3D): tf.Tensor2D => tf.reshape(x, [x.shape[0], x.shape[1] * x.shape[2]]);
