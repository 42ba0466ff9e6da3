// SPDX-License-Identifier: Apache-2.0
import { metricMean, pick, type MetricSum } from '@llmf/training';
import { segmentSum, tf, type Scalar, type Tensor1D } from '@llmf/nn';
import { leads, pairCounts, type Rankings } from './rankings.js';

/**
 * TRL's metrics: `accuracy` and `margin`, of a ranking the mean over its pairs; `min_reward`, `mean_reward`, `max_reward` of
 * the batch. `kendall_tau` of the rankings of more than two: (right − wrong pairs) / pairs (Kendall, 1938).
 */
export function rewardMetrics(scores: Tensor1D, view: Rankings): Record<string, MetricSum> {
  const lead = leads(scores, view);
  const ofGroups = (perPair: Tensor1D): Tensor1D =>
    tf.div(segmentSum(perPair, view.group, view.groups), tf.tensor1d(pairCounts(view)));
  const rankedHigher = ofGroups(tf.cast(tf.greater(lead, 0), 'float32'));
  const longer = Int32Array.from(view.ranked.flatMap(({ length }, g) => (length > 2 ? [g] : [])));
  return {
    accuracy: metricMean(rankedHigher),
    margin: metricMean(ofGroups(lead)),
    min_reward: { sum: tf.min(scores) as Scalar, count: 1 },
    mean_reward: metricMean(scores),
    max_reward: { sum: tf.max(scores) as Scalar, count: 1 },
    ...(longer.length > 0 && { kendall_tau: metricMean(pick(ofGroups(tf.sign(lead)), longer)) }),
  };
}
