// SPDX-License-Identifier: Apache-2.0
/**
 * InfoNCE with the other rows' texts as negatives: van den Oord et al., 2018, arXiv:1807.03748, eq. 4; Henderson et al.,
 * 2017, arXiv:1705.00652, section 4.4. With a_i the anchors and c the positives, then the negatives of all rows:
 *
 *   L_i = −log( e^(a_i·p_i / τ) / Σ_c e^(a_i·c / τ) )
 *
 * Reference: sentence-transformers 6.2, MultipleNegativesRankingLoss (scale = 1/τ). `symmetric` adds the same from each
 * positive to the anchors, half of each (CLIP, arXiv:2103.00020, figure 3). Differences: none.
 */
import { metricMean, unitRows, type Loss, type LossInputs, type Pooling } from '@llmf/training';
import { tf, type Tensor1D, type Tensor2D } from '@llmf/nn';
import { crossEntropy } from '../classify/cross-entropy.js';

export interface InfoNceOptions {
  readonly temperature: number;
  readonly pooling: Pooling;
  readonly normalize: boolean;
  readonly symmetric: boolean;
}

export const infoNce: Loss<InfoNceOptions> = {
  name: 'info-nce',
  description: 'each text is nearest to its own positive among all of its batch',

  needs: ({ pooling }) => ({
    rows: 'similar',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'batch',
    pooling,
  }),

  compute(inputs, { temperature, normalize, symmetric }) {
    const vectors = normalize ? unitRows(inputs.policy.pooled!) : inputs.policy.pooled!; // [R, C]
    const { anchors, candidates } = placesOf(inputs);
    const scores = tf.div<Tensor2D>(
      tf.matMul(rowsOf(vectors, anchors), rowsOf(vectors, candidates), false, true),
      temperature,
    ); // [G, candidates]
    const forward = crossEntropy(scores, diagonal(scores.shape));
    return {
      items: symmetric ? tf.div(tf.add(forward, backward(scores)), 2) : forward,
      unit: 'group',
      metrics: { accuracy: metricMean(rightOf(scores)) },
    };
  },

  atReference: () => null,
};

/** Places of the anchors, and of what each is compared with: their positives in order, then all negatives. */
function placesOf({ role }: Pick<LossInputs, 'role'>): {
  readonly anchors: Int32Array;
  readonly candidates: Int32Array;
} {
  const of = (wanted: string) => [...role.keys()].filter((at) => role[at] === wanted);
  return {
    anchors: Int32Array.from(of('anchor')),
    candidates: Int32Array.from([...of('positive'), ...of('negative')]),
  };
}

const rowsOf = (vectors: Tensor2D, places: Int32Array): Tensor2D => tf.gather(vectors, tf.tensor1d(places, 'int32'));

/** 1 where a row meets its own column, [rows, columns]. */
function diagonal([rows, columns]: readonly [number, number]): Tensor2D {
  const values = new Float32Array(rows * columns);
  for (let at = 0; at < Math.min(rows, columns); at++) values[at * columns + at] = 1;
  return tf.tensor2d(values, [rows, columns]);
}

/** From each positive to the anchors. */
function backward(scores: Tensor2D): Tensor1D {
  const [rows] = scores.shape;
  const own = tf.transpose(tf.slice(scores, [0, 0], [rows, rows]));
  return crossEntropy(own, diagonal([rows, rows]));
}

/** 1 where the own positive is the nearest, [G]. */
function rightOf(scores: Tensor2D): Tensor1D {
  const own = Int32Array.from({ length: scores.shape[0] }, (_, at) => at);
  return tf.cast(tf.equal(tf.argMax(scores, 1), tf.tensor1d(own, 'int32')), 'float32');
}
