// SPDX-License-Identifier: Apache-2.0
/**
 * mDPO (Wang et al., "mDPO: Conditional Preference Optimization for Multimodal Large Language Models", 2024,
 * arXiv:2406.11839, sections 3.2 and 3.3): DPO with two terms that make the picture matter.
 *
 *   L = −log σ(r_w − r_l)  −  λ_c · log σ(r_w − r_c)  −  λ_a · log σ(r_w − δ)
 *   r = β · (log π(y|m, x) − log π_ref(y|m, x))
 *
 * | r_w, r_l | rewards of the chosen and the rejected answer to the picture m and the question x       |
 * | r_c      | reward of the same chosen answer to a worse picture: a fifth of m at most, or another's |
 * | β        | strength of the tie to the reference π_ref                                              |
 * | λ_c, λ_a | weights of the conditional and the anchored term, 1 in the paper                        |
 * | δ        | anchor: the reward that the chosen answer shall exceed, 0 in the paper                  |
 *
 * Which worse picture is `vision.contrast`. Difference from the paper: none in the formula; its pictures are cropped anew
 * in each epoch, ours once per row, so that the reference can be cached.
 */
import {
  type Loss,
  type LossInputs,
  type ResponseLogProbs,
  logSigmoid,
  metricMean,
  pairs,
  pick,
  preferenceMetrics,
} from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import { errors } from './errors.js';
import { mdpoOptions, type MdpoOptions } from './options.js';

export const mdpoLoss: Loss<MdpoOptions> = {
  name: 'mdpo',
  description: 'DPO that also prefers the right picture to another one (mDPO); needs a reference and pictures',
  options: mdpoOptions,

  needs: () => ({
    rows: 'pair',
    reference: 'required',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
    contrast: 'media',
  }),

  compute(inputs, options) {
    const { policy, reference } = pairs(inputs);
    const reward = (ofPolicy: Tensor1D, ofReference: Tensor1D): Tensor1D =>
      tf.mul(tf.sub(ofPolicy, ofReference), options.beta);
    const contrasts = contrastsOf(inputs);
    const rewards = {
      chosen: reward(policy.chosen.sum, reference.chosen.sum), // [pairs]
      rejected: reward(policy.rejected.sum, reference.rejected.sum),
    };
    const contrast = reward(sumsOf(inputs.policy, contrasts), sumsOf(inputs.reference!, contrasts));
    const preference = logSigmoid(tf.sub(rewards.chosen, rewards.rejected));
    const conditional = logSigmoid(tf.sub(rewards.chosen, contrast));
    const anchored = logSigmoid(tf.sub(rewards.chosen, options.anchor));
    const { conditionalWeight, anchorWeight } = options;
    const total = tf.add(tf.mul(conditional, conditionalWeight), tf.mul(anchored, anchorWeight));
    return {
      items: tf.neg<Tensor1D>(tf.add(preference, total)),
      unit: 'group',
      metrics: {
        ...preferenceMetrics(rewards, { chosen: policy.chosen.sum, rejected: policy.rejected.sum }),
        'rewards/contrast': metricMean(contrast),
        'rewards/conditional_accuracies': metricMean(tf.cast(tf.greater(rewards.chosen, contrast), 'float32')),
      },
    };
  },

  atReference: ({ conditionalWeight, anchorWeight, anchor }) =>
    Math.LN2 * (1 + conditionalWeight) + anchorWeight * Math.log1p(Math.exp(anchor)),
};

/** [pairs] the response of role `contrast` of each group. @throws LLMF_LOSS_MDPO_NO_CONTRAST */
function contrastsOf({ group, role, groups }: LossInputs): Int32Array {
  const response = new Int32Array(groups).fill(-1);
  for (const [r, g] of group.entries()) if (role[r] === 'contrast') response[g] = r;
  const missing = response.indexOf(-1);
  if (missing !== -1) throw errors.noContrast({ group: missing });
  return response;
}

const sumsOf = ({ sum }: ResponseLogProbs, responses: Int32Array): Tensor1D => pick(sum, responses);
