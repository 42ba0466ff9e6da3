// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { jsBackend, tf, valueAndGradients, type Scalar, type Variable } from '@llmf/nn';
import type { LossInputs, LossResult } from '@llmf/training';
import { beforeAll, describe, expect, it } from 'vitest';
import { infoNce, type InfoNceOptions } from './info-nce.js';

beforeAll(async () => void (await jsBackend.start({}, 'f32')));

const options: InfoNceOptions = { temperature: 0.05, pooling: 'mean', normalize: true, symmetric: false };

/** Loss and the slope of each vector; `columns` are anchors, positives and negatives, one of each a row. */
function outcome(columns: readonly (readonly (readonly number[])[])[], chosen: InfoNceOptions) {
  const rows = columns[0]!.length;
  const roles = Array.from({ length: rows }, () => ['anchor', 'positive', ...columns.slice(2).map(() => 'negative')]);
  const values = Array.from({ length: rows }, (_, row) => columns.map((column) => column[row]!)).flat();
  const vectors = tf.variable(tf.tensor2d(values as number[][]));
  let slope: Float32Array = new Float32Array(0);
  let accuracy = 0;
  const { loss } = valueAndGradients(
    () => {
      const inputs = { policy: { pooled: vectors }, role: roles.flat(), groups: rows } as unknown as LossInputs;
      const { items, metrics } = infoNce.compute(inputs, chosen) as LossResult;
      accuracy = metrics['accuracy']!.sum.dataSync()[0]! / metrics['accuracy']!.count;
      return { loss: tf.mean(items) as Scalar };
    },
    [vectors as unknown as Variable],
    (_variable, gradient) => {
      slope = gradient.dataSync().slice() as Float32Array;
      gradient.dispose();
    },
  );
  const [value] = loss.dataSync();
  tf.dispose([loss, vectors]);
  return { loss: value!, slope, accuracy };
}

describe('InfoNCE', () => {
  interface Case {
    readonly scale: number;
    readonly embeddings: readonly (readonly (readonly number[])[])[];
    readonly gradients: readonly (readonly (readonly number[])[])[];
    readonly loss: number;
  }
  const cases = JSON.parse(readFileSync(new URL('../../fixtures/contrastive.json', import.meta.url), 'utf8')) as Case[];
  it('has three cases of the oracle', () => expect(cases).toHaveLength(3));

  it.each(cases)(
    'is sentence-transformers’ MultipleNegativesRankingLoss, scale $scale',
    ({ scale, embeddings, gradients, loss }) => {
      const got = outcome(embeddings, { ...options, temperature: 1 / scale });
      expect(Math.abs(got.loss - loss) / loss).toBeLessThan(1e-5);
      const rows = embeddings[0]!.length;
      const expected = Array.from({ length: rows }, (_, row) => gradients.map((column) => column[row]!)).flat(2);
      for (const [at, slope] of expected.entries()) expect(Math.abs(got.slope[at]! - slope)).toBeLessThan(1e-5);
    },
  );

  it('of vectors that are all the same is the log of what each is compared with', () => {
    const same = Array.from({ length: 3 }, () => [1, 2]);
    expect(outcome([same, same], options).loss).toBeCloseTo(Math.log(3), 5); // 3 positives
    expect(outcome([same, same, same], options).loss).toBeCloseTo(Math.log(6), 5); // and 3 negatives
  });

  it('is 0 where each text is its own positive and no other’s, and right everywhere', () => {
    const apart = [
      [1, 0],
      [0, 1],
    ];
    const got = outcome([apart, apart], options); // log(1 + e^−20)
    expect(got.loss).toBeLessThan(1e-6);
    expect(got.accuracy).toBe(1);
  });

  it('symmetric, is the mean of both directions', () => {
    const [a, b] = [
      [
        [1, 0.5],
        [0.2, 1],
      ],
      [
        [0.8, 1],
        [1, -1],
      ],
    ];
    const both = outcome([a, b], { ...options, symmetric: true }).loss;
    expect(both).toBeCloseTo((outcome([a, b], options).loss + outcome([b, a], options).loss) / 2, 5);
  });

  it('without normalization compares products', () => {
    // scores a·bᵀ / 1 = [[2, 0], [0, 2]]: −log(e²/(e² + 1))
    const apart = [
      [2, 0],
      [0, 1],
    ];
    const other = [
      [1, 0],
      [0, 2],
    ];
    const plain = { ...options, temperature: 1, normalize: false };
    expect(outcome([apart, other], plain).loss).toBeCloseTo(Math.log(1 + Math.exp(-2)), 5);
  });
});
