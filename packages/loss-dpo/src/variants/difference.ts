// SPDX-License-Identifier: Apache-2.0
import { boundedExp, logSigmoid } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import type { Scores } from '../scores.js';
import type { Variant, VariantOptions } from './variant.js';

/** Functions of the margin m = β·(s_w − s_l), or of the same per token. */
const onDifference = { divergence: true, coupling: 'item', smoothing: false } as const;

/**
 * −(1−ε)·log σ(m) − ε·log σ(−m). ε = 0: Rafailov et al., arXiv:2305.18290, eq. 7; ε > 0: conservative DPO, Mitchell, "A
 * note on DPO with noisy preferences", 2023, which TRL 1.13 leaves without effect.
 */
export const sigmoid: Variant = {
  ...onDifference,
  smoothing: true,
  loss: (scores, options) => smoothedLogistic(margin(scores, options), options.labelSmoothing),
  atReference: () => Math.LN2,
};

/** max(0, 1 − m). Liu et al., "Statistical Rejection Sampling" (RSO), arXiv:2309.06657, its hinge form. */
export const hinge: Variant = {
  ...onDifference,
  loss: (scores, options) => tf.relu(tf.sub(1, margin(scores, options))),
  atReference: () => 1,
};

/** (s_w/|y_w| − s_l/|y_l| − 1/(2β))². Azar et al., arXiv:2310.12036, eq. 17, per token as its authors told TRL. */
export const ipo: Variant = {
  ...onDifference,
  loss: (scores, { beta }) => tf.square(tf.sub(differencePerToken(scores), 1 / (2 * beta))),
  atReference: ({ beta }) => 1 / (4 * beta * beta),
};

/** [−(1−ε)·log σ(m) + ε·log σ(−m)] / (1−2ε). Chowdhury et al., "Provably robust DPO", arXiv:2403.00409. */
export const robust: Variant = {
  ...onDifference,
  smoothing: true,
  loss: (scores, options) => {
    const m = margin(scores, options);
    const { labelSmoothing } = options;
    const clean = tf.mul(logSigmoid(m), -(1 - labelSmoothing));
    const flipped = tf.mul(logSigmoid(tf.neg(m)), -labelSmoothing);
    return tf.div(tf.sub(clean, flipped), 1 - 2 * labelSmoothing);
  },
  atReference: () => Math.LN2,
};

/** KL(softmax(m, 0) ‖ (1−ε, ε)). Ji et al., "Towards efficient exact optimization", arXiv:2402.00856, eq. 16. */
export const exoPair: Variant = {
  ...onDifference,
  smoothing: true,
  loss: (scores, options) => {
    const m = margin(scores, options);
    const negated = tf.neg(m);
    const chosen = tf.mul(tf.sigmoid(m), tf.sub(logSigmoid(m), Math.log1p(-options.labelSmoothing)));
    const rejected = tf.mul(tf.sigmoid(negated), tf.sub(logSigmoid(negated), Math.log(options.labelSmoothing)));
    return tf.add(chosen, rejected);
  },
  atReference: ({ labelSmoothing }) => -Math.LN2 - (Math.log1p(-labelSmoothing) + Math.log(labelSmoothing)) / 2,
};

const defaultTau = 0.05;

/**
 * (1−q)·(−log σ(m)) + q·e^−m with q = σ(m/τ). Lu et al., "Discovering preference optimization algorithms"
 * (DiscoPOP), arXiv:2406.08414, eq. 5. q·e^−m is one exponential here: apart, they are 0 · ∞ for a very negative m.
 */
export const discopop: Variant = {
  ...onDifference,
  loss: (scores, options) => {
    const m = margin(scores, options);
    const modulation = tf.div<Tensor1D>(m, options.discopopTau ?? defaultTau);
    const logistic = tf.mul(tf.sigmoid(tf.neg(modulation)), tf.neg(logSigmoid(m)));
    const exponential = boundedExp(tf.sub(logSigmoid(modulation), m));
    return tf.add(logistic, exponential);
  },
  atReference: () => Math.LN2 / 2 + 1 / 2,
};

/** −log σ(β·(s_w/|y_w| − s_l/|y_l|)): length-normalized DPO, Lambert et al. (Tülu 3), arXiv:2411.15124. */
export const sigmoidNorm: Variant = {
  ...onDifference,
  loss: (scores, { beta }) => tf.neg(logSigmoid(tf.mul(differencePerToken(scores), beta))),
  atReference: () => Math.LN2,
};

/** −(1−ε)·log σ(m) − ε·log σ(−m), [pairs]. */
export function smoothedLogistic(m: Tensor1D, smoothing: number): Tensor1D {
  const plain = tf.neg<Tensor1D>(logSigmoid(m));
  if (smoothing === 0) return plain;
  return tf.sub(tf.mul(plain, 1 - smoothing), tf.mul(logSigmoid(tf.neg(m)), smoothing));
}

function margin({ score }: Scores, { beta }: VariantOptions): Tensor1D {
  return tf.mul(tf.sub(score.chosen, score.rejected), beta);
}

function differencePerToken({ score, tokens }: Scores): Tensor1D {
  return tf.sub(tf.div(score.chosen, tokens.chosen), tf.div(score.rejected, tokens.rejected));
}
