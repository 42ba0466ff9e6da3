// SPDX-License-Identifier: Apache-2.0
import type { MetricSum } from '../contracts/loss.js';
import type { Scalar, Tensor1D } from '@llmf/nn';
import { tf } from '@llmf/nn';
import type { ChosenRejected } from './pairs.js';

/** The mean of some values as a metric: their sum and their number, so that it adds up over microbatches. */
export function metricMean(values: Tensor1D): MetricSum {
  return { sum: tf.sum(values) as Scalar, count: values.size };
}

/**
 * The metrics every preference loss logs, under TRL's names.
 *
 * @param rewards [pairs] implicit rewards, β times what the loss compares (log-ratio, mean log-prob, …)
 * @param logProbs [pairs] log-probs of the answers as the loss uses them (sums, or means per token)
 */
export function preferenceMetrics(
  rewards: ChosenRejected<Tensor1D>,
  logProbs: ChosenRejected<Tensor1D>,
): Record<string, MetricSum> {
  return {
    'rewards/chosen': metricMean(rewards.chosen),
    'rewards/rejected': metricMean(rewards.rejected),
    'rewards/accuracies': metricMean(tf.cast(tf.greater(rewards.chosen, rewards.rejected), 'float32')),
    'rewards/margins': metricMean(tf.sub(rewards.chosen, rewards.rejected)),
    'logps/chosen': metricMean(logProbs.chosen),
    'logps/rejected': metricMean(logProbs.rejected),
  };
}
