// SPDX-License-Identifier: Apache-2.0
/**
 * Reward models from comparisons: a scalar s(x, y) at an answer's last token, so that better answers get more. On pairs the
 * Bradley–Terry likelihood (Ouyang et al., 2022, arXiv:2203.02155, eq. 1), with a margin (Llama 2, arXiv:2307.09288, eq. 2)
 * and a term that centres the scores (Eisenstein et al., 2023, arXiv:2312.09244, eq. 2):
 *
 *   L = −log σ(s_w − s_l − m) + c·(s_w + s_l)²
 *
 * Rankings of more answers: `variants.ts`; the centring term is then c·(2·mean s)². Reference implementation: TRL 1.13,
 * trl/trainer/reward_trainer.py, `compute_loss`. Differences: an answer shares its prompt's pass with the others.
 */
import type { Loss, LossInputs } from '@llmf/training';
import { segmentSum, tf, type Head, type Tensor1D } from '@llmf/nn';
import { errors } from './errors.js';
import { rewardOptions, type RewardOptions } from './options.js';
import { rankings, type Rankings } from './rankings.js';
import { rewardMetrics } from './reward-metrics.js';
import { variants } from './variants.js';

/** As Transformers' sequence classifiers with one label have it. */
export const scoreHead: Head = { name: 'score', outputs: 1, at: 'last', replacesLanguageModel: true };

export const rewardLoss: Loss<RewardOptions> = {
  name: 'reward',
  description: 'Bradley–Terry on pairs, Plackett–Luce on rankings: teaches a scalar head which answers are better',
  options: rewardOptions,

  needs: ({ margin }) => ({
    rows: 'group',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
    heads: [scoreHead],
    ...(margin === null ? {} : { columns: [margin] }),
  }),

  compute(inputs, options) {
    const view = rankings(inputs);
    const scores = scoresOf(inputs); // [R]
    const ranked = variants[options.variant](scores, view, marginOf(inputs, view, options));
    const { centerCoefficient: center } = options;
    return {
      items: center === 0 ? ranked : tf.add(ranked, tf.mul(centring(scores, inputs, view), center)),
      unit: 'group',
      metrics: rewardMetrics(scores, view),
    };
  },

  atReference: () => null,
};

const scoresOf = ({ policy, tokens }: LossInputs): Tensor1D =>
  tf.reshape(policy.heads![scoreHead.name]!, [tokens.length]);

/** @throws LLMF_ALGO_REWARD_MARGIN_OF_RANKING */
function marginOf(inputs: LossInputs, { ranked }: Rankings, { margin }: RewardOptions): Tensor1D | null {
  if (margin === null) return null;
  const more = ranked.find((answers) => answers.length > 2);
  if (more !== undefined) throw errors.marginOfRanking({ column: margin, answers: more.length });
  return tf.tensor1d(inputs.extras[margin]!);
}

/** (2·mean of the scores)² of each group: (s_w + s_l)² of a pair. */
function centring(scores: Tensor1D, { group }: LossInputs, { ranked, groups }: Rankings): Tensor1D {
  const share = tf.tensor1d(Float32Array.from(ranked, ({ length }) => 2 / length));
  return tf.square(tf.mul(segmentSum(scores, group, groups), share));
}
