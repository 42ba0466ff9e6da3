// SPDX-License-Identifier: Apache-2.0
import { adapterOf, isBeginning } from '../layers/adapter-of.js';
import type { ForwardContext, KeysBefore } from '../contracts/model.js';
import type { AttentionSpan } from '../contracts/ops.js';
import type { Segment } from '../contracts/segments.js';
import { spansOf } from '../ops/attention/spans.js';
import type { tf } from '../tf.js';
import { Insertions } from './insertions.js';

interface KeysAndValues {
  readonly keys: tf.Tensor3D; // [keys, G, D]
  readonly values: tf.Tensor3D;
}

/** Keys and values that adapters put before those of each sequence of a pass. */
export class KeysAhead {
  private readonly insertions: Insertions;

  private constructor(
    private readonly segments: readonly Segment[],
    private readonly ofSegments: readonly (KeysBefore | null)[],
  ) {
    this.insertions = new Insertions(
      segments,
      ofSegments.map((before) => before?.length ?? 0),
    );
  }

  /** null where no adapter has any, or no sequence begins. */
  static of(context: ForwardContext): KeysAhead | null {
    const { adapter, segments } = context;
    if (adapter?.keysBefore === undefined && adapter?.ofSegments === undefined) return null;
    const before = segments.map((segment, at) =>
      isBeginning(segment) ? (adapterOf(context, at)?.keysBefore ?? null) : null,
    );
    return before.every((each) => each === null) ? null : new KeysAhead(segments, before);
  }

  /** What each segment sees of the grown row of keys. */
  get spans(): AttentionSpan[] {
    return spansOf(this.insertions.grown).map((span, at) => {
      const { start, length } = this.segments[at]!;
      return { ...span, queryStart: start, queryLength: length };
    });
  }

  /** The grown rows of k and v [T, G, D] of a layer. */
  into(layer: number, k: tf.Tensor3D, v: tf.Tensor3D): KeysAndValues {
    const ofLayer = new Map<KeysBefore, KeysAndValues>();
    for (const before of this.ofSegments) {
      if (before !== null && !ofLayer.has(before)) ofLayer.set(before, before.of(layer));
    }
    const of = (segment: number) => ofLayer.get(this.ofSegments[segment]!)!;
    return {
      keys: this.insertions.into(k, (segment) => of(segment).keys),
      values: this.insertions.into(v, (segment) => of(segment).values),
    };
  }
}
