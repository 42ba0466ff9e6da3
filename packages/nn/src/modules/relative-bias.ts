// SPDX-License-Identifier: Apache-2.0
/**
 * Learned relative positions: Raffel et al., "Exploring the limits of transfer learning with a unified text-to-text
 * transformer", 2020, section 2.1: a score gains a learned number by head and by bucket of the key's distance.
 */
import type { Embedding } from '../layers/embedding.js';
import type { AttentionBias } from '../ops/attention/attention.js';
import { tf } from '../tf.js';

export interface BucketOptions {
  readonly buckets: number;
  /** Distances from here on share the last bucket. */
  readonly maxDistance: number;
  /** Do keys after the query have buckets of their own? Else they share that of distance 0. */
  readonly bidirectional: boolean;
}

export class RelativeBias {
  /** @param table [buckets, H]; layers may share it */
  constructor(
    private readonly table: Embedding,
    private readonly options: BucketOptions,
  ) {}

  /** What scores gain where no query sees more than `keys` keys; for `attention` and `PassFacts.bias`. */
  forward(keys: number): AttentionBias {
    const zero = Math.max(0, keys - 1);
    const distances = Array.from({ length: 2 * zero + 1 }, (_, entry) => entry - zero);
    const buckets = Int32Array.from(distances, (distance) => distanceBucket(distance, this.options));
    const values = tf.tidy(() => tf.transpose(this.table.forward(buckets))) as tf.Tensor2D; // [H, entries]
    return { values, by: 'distance', zero };
  }
}

/**
 * The bucket of a key's distance (its position less the query's): half of the buckets count single steps, the others
 * grow by a constant ratio up to maxDistance. Rounded as Transformers' T5 does (_relative_position_bucket, 5.18), which
 * takes the logarithm in float32.
 */
export function distanceBucket(distance: number, { buckets, maxDistance, bidirectional }: BucketOptions): number {
  const count = bidirectional ? Math.floor(buckets / 2) : buckets;
  const first = bidirectional && distance > 0 ? count : 0;
  const steps = bidirectional ? Math.abs(distance) : Math.max(0, -distance);
  const single = Math.floor(count / 2);
  if (steps < single) return first + steps;
  const ratio = Math.fround(Math.log(Math.fround(steps / single)));
  const share = Math.fround(ratio / Math.fround(Math.log(maxDistance / single)));
  return first + Math.min(count - 1, single + Math.trunc(Math.fround(share * (count - single))));
}
