// SPDX-License-Identifier: Apache-2.0
// A sequence classifier: a head with one output a class reads the last token of each text, and learns its label by cross
// entropy. Saved as Transformers' …ForSequenceClassification, or as PEFT's adapter of task_type SEQ_CLS.
import { apiVersion, StageToken, z } from '@llmf/core';
import { tf } from '@llmf/nn';
import { boundedExp, createLossSession, LossToken, metricMean } from '@llmf/training';

const options = z.strictObject({
  labels: z.array(z.string().min(1)).min(2).describe('Names of the classes, in the order of their numbers.'),
  column: z.string().min(1).default('class').describe('Column with the number of the class, from 0.'),
});

const headOf = ({ labels }) => ({
  name: 'score',
  outputs: labels.length,
  at: 'last',
  replacesLanguageModel: true,
  labels,
});

/** −log softmax(z)[class] = log Σ_j e^(z_j − z_class), [rows]. */
function crossEntropy(logits, oneHot) {
  const own = tf.sum(tf.mul(logits, oneHot), 1, true); // [rows, 1]
  return tf.log(tf.sum(boundedExp(tf.sub(logits, own)), 1));
}

const classify = {
  name: 'classify',
  description: 'cross entropy of a class per text, from a head',
  options,
  needs: (chosen) => ({
    rows: 'single',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
    columns: [chosen.column],
    heads: [headOf(chosen)],
  }),
  compute({ policy, extras }, { labels, column }) {
    const logits = policy.heads.score; // [rows, labels]
    const classes = Array.from(extras[column], (value) => {
      if (labels[value] === undefined)
        throw new Error(`${column} is ${value}; classes go from 0 to ${labels.length - 1}`);
      return value;
    });
    const oneHot = tf.tensor2d(classes.map((own) => labels.map((_, label) => (label === own ? 1 : 0))));
    const isRight = tf.equal(tf.argMax(logits, 1), tf.tensor1d(classes, 'int32'));
    return {
      items: crossEntropy(logits, oneHot),
      unit: 'group',
      metrics: { accuracy: metricMean(tf.cast(isRight, 'float32')) },
    };
  },
  atReference: () => null,
};

const stage = {
  name: 'proof-classification',
  description: 'texts with the number of their class',
  rows: 'single',
  defaults: { loss: 'classify' },
  prepare: (run) => createLossSession(run, stage),
};

export default function classifier() {
  return {
    name: 'classifier',
    apiVersion,
    description: 'a sequence classifier on any decoder',
    apply(engine) {
      engine.provide(LossToken, classify);
      engine.provide(StageToken, stage);
    },
  };
}
