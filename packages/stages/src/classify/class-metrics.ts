// SPDX-License-Identifier: Apache-2.0
import { metricMean, type MetricRatios, type MetricSum } from '@llmf/training';
import { tf, type Tensor1D, type Tensor2D } from '@llmf/nn';

interface ClassMetrics {
  readonly metrics: Record<string, MetricSum>;
  readonly ratios: Record<string, MetricRatios>;
}

/** `accuracy`, and `f1`: of each class 2·right / (predicted + true), the mean over the classes that occur (macro F1). */
export function classMetrics(logits: Tensor2D, oneHot: Tensor2D): ClassMetrics {
  const best = tf.expandDims(tf.argMax(logits, 1), 1); // [N, 1]
  const classes = tf.tensor2d(
    Int32Array.from({ length: logits.shape[1] }, (_, at) => at),
    [1, logits.shape[1]],
    'int32',
  );
  const predicted = tf.cast(tf.equal(best, classes), 'float32') as Tensor2D; // [N, K]
  const isRight = tf.sum<Tensor1D>(tf.mul(predicted, oneHot), 1);
  return { metrics: { accuracy: metricMean(isRight) }, ratios: { f1: f1Of(predicted, oneHot) } };
}

/**
 * Of labels that hold or not: `accuracy`, the share of rows with every label right; `f1` as above; `f1_micro` over all
 * labels together.
 */
export function labelMetrics(logits: Tensor2D, targets: Tensor2D): ClassMetrics {
  const predicted = tf.cast(tf.greater(logits, 0), 'float32') as Tensor2D; // p > 1/2
  const wrong = tf.sum<Tensor1D>(tf.abs(tf.sub(predicted, targets)), 1);
  const f1 = f1Of(predicted, targets);
  const whole = (each: Tensor1D): Tensor1D => tf.reshape(tf.sum(each), [1]);
  return {
    metrics: { accuracy: metricMean(tf.cast(tf.equal(wrong, 0), 'float32')) },
    ratios: { f1, f1_micro: { sums: whole(f1.sums), counts: whole(f1.counts) } },
  };
}

/** [K] each: 2·right, and predicted + true. */
function f1Of(predicted: Tensor2D, targets: Tensor2D): MetricRatios {
  const right = tf.sum<Tensor1D>(tf.mul(predicted, targets), 0);
  return { sums: tf.mul(right, 2), counts: tf.add(tf.sum<Tensor1D>(predicted, 0), tf.sum<Tensor1D>(targets, 0)) };
}
