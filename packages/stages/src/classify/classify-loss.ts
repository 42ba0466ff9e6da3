// SPDX-License-Identifier: Apache-2.0
/**
 * Losses of a head's outputs against labels: cross entropy of one class, binary cross entropy of several labels, squared
 * error of numbers, each as Transformers 5.18 computes them (loss/loss_utils.py, ForSequenceClassificationLoss and
 * ForTokenClassification). Differences: none but that weights of rows count.
 */
import { metricMean, type LabelRequest, type Loss, type LossInputs, type LossResult } from '@llmf/training';
import { tf, type Head, type Tensor1D, type Tensor2D } from '@llmf/nn';
import { binaryCrossEntropy, crossEntropy } from './cross-entropy.js';
import { classMetrics, labelMetrics } from './class-metrics.js';

export interface ClassifyOptions {
  readonly head: Head;
  readonly form: LabelRequest['form'];
}

/** Reads what a head makes of each text, or of each of its labelled tokens. */
export const classifyLoss: Loss<ClassifyOptions> = {
  name: 'classify',
  description: 'what a head says of texts or tokens, against their labels',

  needs: ({ head }) => ({
    rows: 'classified',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
    heads: [head],
  }),

  compute(inputs, { head, form }) {
    const outputs = inputs.policy.heads![head.name]!; // [N, K]
    return byForm[form](outputs, inputs);
  },

  atReference: () => null,
};

const byForm: Readonly<Record<LabelRequest['form'], (outputs: Tensor2D, inputs: LossInputs) => LossResult>> = {
  class: (outputs, { labels }) => ofClasses(outputs, labels!, 'group'),
  words: (outputs, { labels }) => ofClasses(outputs, labels!, 'token'),
  classes(outputs, { labels }) {
    const targets = tf.tensor2d(labels!, outputs.shape);
    return { items: binaryCrossEntropy(outputs, targets), unit: 'group', ...labelMetrics(outputs, targets) };
  },
  numbers(outputs, { labels }) {
    const error = tf.sub<Tensor2D>(outputs, tf.tensor2d(labels!, outputs.shape));
    const squared = tf.mean<Tensor1D>(tf.square(error), 1);
    const absolute = tf.mean<Tensor1D>(tf.abs(error), 1);
    return { items: squared, unit: 'group', metrics: { mse: metricMean(squared), mae: metricMean(absolute) } };
  },
};

/** @param labels [N] numbers of classes */
function ofClasses(outputs: Tensor2D, labels: Float32Array, unit: LossResult['unit']): LossResult {
  const oneHot = new Float32Array(outputs.size);
  for (const [row, label] of labels.entries()) oneHot[row * outputs.shape[1] + label] = 1;
  const targets = tf.tensor2d(oneHot, outputs.shape);
  return { items: crossEntropy(outputs, targets), unit, ...classMetrics(outputs, targets) };
}
