// SPDX-License-Identifier: Apache-2.0
import { logSigmoid, type ChosenRejected } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import type { Scores } from '../scores.js';
import type { Variant, VariantOptions } from './variant.js';

/** Functions of each answer's own reward r = β·ℓ, so log Z(x) does not cancel: reverse KL only. */
const onAnswers = { divergence: false, coupling: 'item', smoothing: false } as const;

/** −log σ(r_w) − ½·log σ(−r_w) − ½·log σ(−r_l). Chen et al., "Noise contrastive alignment", arXiv:2402.05369 (NCA). */
export const ncaPair: Variant = {
  ...onAnswers,
  loss: (scores, options) => {
    const { chosen, rejected } = rewards(scores, options);
    const noise = tf.add(logSigmoid(tf.neg(chosen)), logSigmoid(tf.neg(rejected)));
    return tf.neg(tf.add(logSigmoid(chosen), tf.mul(noise, 0.5)));
  },
  atReference: () => 2 * Math.LN2,
};

/** −log σ(r_w) − log σ(−r_l). Jung et al., "Binary classifier optimization", arXiv:2404.04656, with δ = 0. */
export const bcoPair: Variant = {
  ...onAnswers,
  loss: (scores, options) => {
    const { chosen, rejected } = rewards(scores, options);
    return tf.neg(tf.add(logSigmoid(chosen), logSigmoid(tf.neg(rejected))));
  },
  atReference: () => 2 * Math.LN2,
};

/** (ℓ_w − 1/(2β))² + (ℓ_l + 1/(2β))². Wu et al., SPPO, arXiv:2405.00675, eq. 4.7 with P = 1 for y_w, 0 for y_l. */
export const sppoHard: Variant = {
  ...onAnswers,
  loss: ({ ratio }, { beta }) =>
    tf.add(tf.square(tf.sub(ratio.chosen, 0.5 / beta)), tf.square(tf.add(ratio.rejected, 0.5 / beta))),
  atReference: ({ beta }) => 1 / (2 * beta * beta),
};

/** (1 − σ(r_w)) + σ(r_l): raises the chosen, lowers the rejected. D'Oosterlinck et al., APO, arXiv:2408.06266, eq. 7. */
export const apoZero: Variant = {
  ...onAnswers,
  loss: (scores, options) => {
    const { chosen, rejected } = rewards(scores, options);
    return tf.add(tf.sigmoid(tf.neg(chosen)), tf.sigmoid(rejected));
  },
  atReference: () => 1,
};

/** σ(r_w) + (1 − σ(r_w − r_l)): lowers both, the rejected more; for chosen answers worse than the model's own. Eq. 8. */
export const apoDown: Variant = {
  ...onAnswers,
  loss: (scores, options) => {
    const { chosen, rejected } = rewards(scores, options);
    return tf.add(tf.sigmoid(chosen), tf.sigmoid(tf.sub(rejected, chosen)));
  },
  atReference: () => 1,
};

function rewards({ ratio }: Scores, { beta }: VariantOptions): ChosenRejected<Tensor1D> {
  return { chosen: tf.mul(ratio.chosen, beta), rejected: tf.mul(ratio.rejected, beta) };
}
