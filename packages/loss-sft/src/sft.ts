// SPDX-License-Identifier: Apache-2.0
/**
 * Supervised fine-tuning: the negative log-likelihood of the answer's tokens, averaged over all of an optimizer step.
 *
 *   nll:  L(t) = −log p(t)
 *   dft:  L(t) = −sg(p(t))·log p(t)      Wu et al., 2025, arXiv:2508.05629; sg: no gradient flows through
 *
 * On preference pairs the chosen answer is imitated. Reference implementations: torch's cross entropy; TRL 1.13,
 * trl/trainer/sft_trainer.py, `dft_loss`. Differences: none.
 */
import { type Loss, imitatedLogProbs, imitatedRoles, metricMean, stopGradient } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import { sftOptions, type SftOptions } from './options.js';

export const sftLoss: Loss<SftOptions> = {
  name: 'sft',
  description: "Negative log-likelihood of the answers' tokens (supervised fine-tuning)",
  options: sftOptions,

  needs: () => ({
    rows: 'single',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    roles: imitatedRoles,
    coupling: 'item',
  }),

  compute(inputs, { variant }) {
    const logProb = imitatedLogProbs(inputs, 'response'); // [N]
    const negative = tf.neg<Tensor1D>(logProb);
    return {
      items: variant === 'dft' ? tf.mul<Tensor1D>(stopGradient(tf.exp(logProb)), negative) : negative,
      unit: 'token',
      metrics: { nll_loss: metricMean(negative) },
    };
  },

  atReference: () => null,
};
