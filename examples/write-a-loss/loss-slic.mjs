// SPDX-License-Identifier: Apache-2.0
// SLiC-HF's rank calibration (Zhao et al., 2023, arXiv:2305.10425): max(0, δ − log π(y_w|x) + log π(y_l|x)).
import { z } from '@llmf/core';
import { tf } from '@llmf/nn';
import { LossToken, pairs, preferenceMetrics } from '@llmf/training';

export const slicLoss = {
  name: 'slic',
  description: 'Rank calibration of SLiC-HF: the chosen answer leads by a margin; needs no reference',

  options: z.strictObject({
    margin: z.number().positive().default(1).describe('δ, nats by which the chosen answer must lead (paper: 1.0).'),
  }),

  needs: () => ({
    rows: 'pair',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
  }),

  compute(inputs, { margin }) {
    const { policy } = pairs(inputs);
    const logProbs = { chosen: policy.chosen.sum, rejected: policy.rejected.sum }; // [pairs] each
    const lead = tf.sub(logProbs.chosen, logProbs.rejected); // [pairs]
    return {
      items: tf.relu(tf.sub(margin, lead)),
      unit: 'group',
      metrics: preferenceMetrics(logProbs, logProbs),
    };
  },

  atReference: () => null,
};

export default function lossSlic() {
  return {
    name: 'loss-slic',
    apiVersion: 2,
    description: 'The loss of SLiC-HF',
    apply: (engine) => engine.provide(LossToken, slicLoss),
  };
}
