// SPDX-License-Identifier: Apache-2.0
/**
 * Direct Preference Optimization (Rafailov et al., 2023, arXiv:2305.18290, eq. 7) and its relatives:
 *
 *   L(y_w, y_l) = −log σ(β·(ℓ_w − ℓ_l)),   ℓ = log π(y|x) − log π_ref(y|x)
 *
 * | β        | strength of the tie to the reference        |
 * | π, π_ref | the trained policy and the frozen reference |
 * | y_w, y_l | the chosen and the rejected answer          |
 *
 * Each variant is one function in `variants/`, cited there; `divergence.ts` generalises ℓ, `length-desensitized.ts` and
 * `weighted-preference.ts` weight tokens and pairs. Reference implementation: TRL 1.13, trl/trainer/dpo_trainer.py,
 * `_compute_loss`. Differences: label smoothing works with `sigmoid`; what would be ignored is refused.
 */
import { type Loss, pairs, preferenceMetrics } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import { errors } from './errors.js';
import { dpoOptions, type DpoOptions } from './options.js';
import { scores } from './scores.js';
import { variants } from './variants/index.js';
import { pairWeights } from './weighted-preference.js';

export const dpoLoss: Loss<DpoOptions> = {
  name: 'dpo',
  description: 'Direct Preference Optimization and its variants; needs a reference',
  options: dpoOptions,

  needs: ({ variant, wpo }) => ({
    rows: 'pair',
    reference: 'required',
    stats: wpo ? ['logProb', 'logSumSquaredProbabilities'] : ['logProb'],
    span: 'response',
    coupling: variants[variant].coupling,
  }),

  compute(inputs, options) {
    const { loss, coupling } = variants[options.variant];
    if (coupling === 'batch' && new Set(inputs.weight).size > 1) throw errors.sortedWeights(options);
    const view = pairs(inputs);
    const compared = scores(view, options);
    const items = loss(compared, options); // [pairs]
    const { chosen, rejected } = compared.ratio;
    const rewards = {
      chosen: tf.mul<Tensor1D>(chosen, options.beta),
      rejected: tf.mul<Tensor1D>(rejected, options.beta),
    };
    return {
      items: options.wpo ? tf.mul<Tensor1D>(items, pairWeights(inputs, view)) : items,
      unit: 'group',
      metrics: preferenceMetrics(rewards, compared.policy),
    };
  },

  atReference: (options) => (options.wpo ? null : variants[options.variant].atReference(options)),
};
