// SPDX-License-Identifier: Apache-2.0
/**
 * Kahneman-Tversky Optimization (Ethayarajh et al., 2024, arXiv:2402.01306, eq. 7 and 8) for answers labelled good or bad:
 *
 *   good:  λ_D·(1 − σ(β·(ℓ − z)))        ℓ = log π(y|x) − log π_ref(y|x)
 *   bad:   λ_U·(1 − σ(β·(z − ℓ)))        z = max(0, mean over the batch of ℓ(y′|x)), a constant
 *
 * | β        | strength of the tie to the reference                                       |
 * | λ_D, λ_U | weights of good and bad answers                                            |
 * | z        | estimate of KL(π ‖ π_ref) from answers y′ of other rows, never the row's own |
 *
 * `apo_zero_unpaired`: 1 − σ(βℓ) for good, σ(βℓ) for bad answers (D'Oosterlinck et al., 2024, arXiv:2408.06266, eq. 7).
 * Reference implementation: TRL 1.13, trl/trainer/kto_trainer.py, `_compute_loss`. Differences: a batch of one has an
 * estimate of its own; each y′ shares the prompt's pass with the row's answer, where TRL runs it apart.
 */
import { metricMean, pick, stopGradient, type Loss, type LossInputs, type MetricSum } from '@llmf/training';
import { tf, type Scalar, type Tensor1D } from '@llmf/nn';
import { errors } from './errors.js';
import { ktoOptions, type KtoOptions } from './options.js';

export const ktoLoss: Loss<KtoOptions> = {
  name: 'kto',
  description: 'Kahneman-Tversky Optimization on answers labelled good or bad; needs a reference',
  options: ktoOptions,

  needs: ({ variant }) => ({
    rows: 'labelled',
    reference: 'required',
    stats: ['logProb'],
    span: 'response',
    roles: ['desirable', 'undesirable'],
    ...(variant === 'kto' ? { coupling: 'batch', mismatched: true } : { coupling: 'item' }),
  }),

  compute(inputs, options) {
    const { own, isDesirable, mismatched } = layoutOf(inputs);
    const ratios = tf.sub<Tensor1D>(inputs.policy.sum, inputs.reference!.sum); // ℓ, [R]
    const ratio = pick(ratios, own); // [groups]
    const divergence = options.variant === 'kto' ? divergenceOf(ratios, mismatched) : null; // z
    const { beta, desirableWeight, undesirableWeight } = options;
    const gain = tf.mul<Tensor1D>(divergence === null ? ratio : tf.sub(ratio, divergence), beta);
    const sign = tf.tensor1d(isDesirable.map((good) => (good ? -1 : 1)));
    const weight = tf.tensor1d(isDesirable.map((good) => (good ? desirableWeight : undesirableWeight)));
    return {
      items: tf.mul<Tensor1D>(weight, tf.sigmoid(tf.mul(sign, gain))), // 1 − σ(x) = σ(−x)
      unit: 'group',
      metrics: {
        ...(divergence === null ? {} : { kl: { sum: divergence, count: 1 } }),
        ...sideMetrics(tf.mul(ratio, beta), pick(inputs.policy.sum, own), isDesirable),
      },
    };
  },

  atReference: ({ desirableWeight, undesirableWeight }) =>
    desirableWeight === undesirableWeight ? desirableWeight / 2 : null,
};

interface Layout {
  readonly own: Int32Array; // [groups] response of each row's own answer
  readonly isDesirable: boolean[]; // [groups]
  readonly mismatched: Int32Array; // responses of other rows' answers
}

/** @throws LLMF_LOSS_KTO_NOT_LABELLED for a group without exactly one labelled answer */
function layoutOf({ group, role, groups }: LossInputs): Layout {
  const isLabelled = (r: number) => role[r] === 'desirable' || role[r] === 'undesirable';
  const responses = [...group.keys()];
  const own = Int32Array.from({ length: groups }, (_, g) => {
    const labelled = responses.filter((r) => group[r] === g && isLabelled(r));
    if (labelled.length !== 1) throw errors.notLabelled({ group: g, labelled: labelled.length });
    return labelled[0]!;
  });
  return {
    own,
    isDesirable: [...own].map((r) => role[r] === 'desirable'),
    mismatched: Int32Array.from(responses.filter((r) => role[r] === 'mismatched')),
  };
}

/** Not below 0, as a divergence is not; no gradient flows through. */
function divergenceOf(ratios: Tensor1D, mismatched: Int32Array): Scalar {
  const mean = tf.mean(pick(stopGradient(ratios), mismatched));
  return tf.maximum(mean, 0) as Scalar;
}

/** TRL's metrics; those of a side that the batch lacks are left out. */
function sideMetrics(
  rewards: Tensor1D,
  logProbs: Tensor1D,
  isDesirable: readonly boolean[],
): Record<string, MetricSum> {
  const places = (wanted: boolean) => Int32Array.from(isDesirable.flatMap((good, g) => (good === wanted ? [g] : [])));
  const metrics: Record<string, MetricSum> = {};
  for (const [name, at] of [['chosen', places(true)] as const, ['rejected', places(false)] as const]) {
    if (at.length === 0) continue;
    metrics[`rewards/${name}`] = metricMean(pick(rewards, at));
    metrics[`logps/${name}`] = metricMean(pick(logProbs, at));
  }
  const { 'rewards/chosen': chosen, 'rewards/rejected': rejected } = metrics;
  if (chosen === undefined || rejected === undefined) return metrics;
  const margin = tf.sub<Scalar>(tf.div(chosen.sum, chosen.count), tf.div(rejected.sum, rejected.count));
  return { ...metrics, 'rewards/margins': { sum: margin, count: 1 } };
}
