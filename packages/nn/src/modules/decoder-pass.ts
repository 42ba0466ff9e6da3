// SPDX-License-Identifier: Apache-2.0
import { attention, type AttentionBias } from '../ops/attention/attention.js';
import { rope } from '../ops/rope/rope.js';
import {
  ropeTensors,
  ropeValues,
  type RopeOptions,
  type RopeTables,
  type RopeValues,
} from '../ops/rope/rope-tables.js';
import { spansAcross, spansOf } from '../ops/attention/spans.js';
import { sequenceLengths } from './sequence-lengths.js';
import { tf } from '../tf.js';
import type { AttentionSpan } from '../contracts/ops.js';
import type { ForwardContext } from '../contracts/model.js';
import { KeysAhead } from './keys-ahead.js';
import type { Segment } from '../contracts/segments.js';

/** What holds for the attention of all blocks of a model, where it is not a decoder's usual one. */
export interface PassFacts {
  /** Do tokens see those before them only, where their segment does not say? Left out: yes; false for an encoder. */
  readonly causal?: boolean;
  /** Factor on q·k; 1/√D when left out. */
  readonly scale?: number;
  /** Scores s become softCap · tanh(s / softCap); left out: they stay. */
  readonly softCap?: number;
  /** Added to the scores of a query that sees up to `keys` keys: `alibi`, or the table of `RelativeBias`. */
  readonly bias?: (keys: number) => AttentionBias;
  /** Segments of the encoder's row, which `attendAcross` looks at. */
  readonly sources?: readonly Segment[];
}

/** What all blocks of one forward pass share: spans of the packed row, rotary tables and bias, computed once. */
export class DecoderPass {
  private readonly spans: readonly AttentionSpan[];
  private readonly across: readonly AttentionSpan[];
  private readonly before: KeysAhead | null;
  private readonly rotary: RopeValues | null;
  private readonly tables: RopeTables | null;
  private readonly bias: AttentionBias | undefined;

  /** @param rope null: positions are not rotary */
  constructor(
    readonly context: ForwardContext,
    private readonly rope: RopeOptions | null = null,
    private readonly facts: PassFacts = {},
  ) {
    this.before = KeysAhead.of(context);
    this.spans = context.cache?.spans ?? this.before?.spans ?? spansOf(context.segments);
    this.across = context.cache?.across?.spans ?? spansAcross(context.segments, facts.sources ?? []);
    this.rotary =
      rope === null ? null : ropeValues(context.positions, rope, sequenceLengths(context, this.spans, rope));
    // A recomputed block runs after the tensors of the pass are gone and makes its own.
    const isKept = !context.gradientCheckpointing;
    this.tables = this.rotary === null || !isKept ? null : ropeTensors(this.rotary);
    this.bias = isKept ? this.newBias() : undefined;
  }

  /** Turns queries [T, H, D] and keys [T, G, D] by their positions. */
  rotate(q: tf.Tensor3D, k: tf.Tensor3D): [tf.Tensor3D, tf.Tensor3D] {
    if (this.rotary === null) return [q, k];
    const { cos, sin } = this.tables ?? ropeTensors(this.rotary);
    return [rope(q, cos, sin, this.rope!.interleaved), rope(k, cos, sin, this.rope!.interleaved)];
  }

  /**
   * Attention within segments (and to their prefixes): q [T, H, D], k and v [T, G, D] → [T, H, D].
   * With a cache, k and v of the earlier tokens come first, and before them what an adapter puts there. `window` 0: none.
   */
  attend(layer: number, q: tf.Tensor3D, k: tf.Tensor3D, v: tf.Tensor3D, window = 0): tf.Tensor3D {
    const own = this.before?.into(layer, k, v) ?? { keys: k, values: v };
    const { keys, values } = this.context.cache?.append(layer, own.keys, own.values) ?? own;
    const { causal = true, scale = 1 / Math.sqrt(q.shape[2]), softCap } = this.facts;
    const bias = this.bias ?? this.newBias();
    return attention(q, keys, values, { spans: this.spans, scale, causal, window, softCap, bias });
  }

  /**
   * Cross attention: each segment's queries [T, H, D] see keys and values [S, G, D] of its source in the encoder's row.
   * @param encoded null: those that the cache holds
   */
  attendAcross(
    layer: number,
    q: tf.Tensor3D,
    encoded: { readonly keys: tf.Tensor3D; readonly values: tf.Tensor3D } | null,
  ): tf.Tensor3D {
    const cache = this.context.cache?.across;
    const held = encoded === null ? cache!.held(layer) : cache?.append(layer, encoded.keys, encoded.values);
    const { keys, values } = (held ?? encoded)!;
    return attention(q, keys, values, { spans: this.across, scale: this.facts.scale, softCap: this.facts.softCap });
  }

  private newBias(): AttentionBias | undefined {
    return this.facts.bias?.(Math.max(0, ...this.spans.map(({ prefixLength, keyLength }) => prefixLength + keyLength)));
  }
}

/** [T, H·D] → [T, H, D] */
export const splitHeads = (x: tf.Tensor2D, headDim: number): tf.Tensor3D =>
  tf.reshape(x, [x.shape[0], x.shape[1] / headDim, headDim]);

/** [T, H, D] → [T, H·D] */
export const joinHeads = (x: tf.Tensor3D): tf.Tensor2D => tf.reshape(x, [x.shape[0], x.shape[1] * x.shape[2]]);
