// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Embedding } from '../layers/embedding.js';
import { tf } from '../tf.js';
import { distanceBucket, RelativeBias, type BucketOptions } from './relative-bias.js';

const { buckets: cases } = JSON.parse(
  readFileSync(new URL('../../fixtures/attention-bias.json', import.meta.url), 'utf8'),
) as { buckets: (BucketOptions & { firstDistance: number; expected: number[] })[] };

describe('buckets of distances', () => {
  it.each(cases)("are T5's: $buckets up to $maxDistance, bidirectional $bidirectional", (one) => {
    expect(one.expected.map((_, i) => distanceBucket(one.firstDistance + i, one))).toEqual(one.expected);
  });
});

describe('the table', () => {
  it('gives each head the number of a distance’s bucket, distance 0 in the middle', () => {
    tf.tidy(() => {
      const weight = tf.tensor2d(
        Array.from({ length: 8 }, (_, bucket) => [bucket, 100 + bucket]),
        [8, 2],
      );
      const options = { buckets: 8, maxDistance: 20, bidirectional: true };
      const { values, by, zero } = new RelativeBias(new Embedding(weight), options).forward(3);
      expect([by, zero]).toEqual(['distance', 2]);
      // Distances −2 … 2: two single steps before the query, itself, two after it (from 4 on).
      expect(values.arraySync()).toEqual([
        [2, 1, 0, 5, 6],
        [102, 101, 100, 105, 106],
      ]);
    });
  });
});
