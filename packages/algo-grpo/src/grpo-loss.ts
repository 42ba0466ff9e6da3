// SPDX-License-Identifier: Apache-2.0
/**
 * Group relative policy optimization and its kin: per token of an answer with advantage A,
 *
 *   l = −min(ρ A, clip(ρ, 1 − ε, 1 + ε_high) A) + β c (e^(−k) − 1 + k),   k = log π / π_ref,   c = ρ or 1 (`klCorrection`)
 *
 *   ρ = π / π_old of the token (GRPO, Shao et al., 2024, arXiv:2402.03300, equation 3; DAPO, 2025, arXiv:2503.14476)
 *     = (Π π / π_old)^(1/|o|) over the answer (GSPO, 2025, arXiv:2507.18071, equation 7)
 *     = Π π / π_old over the answer (RLOO, 2024, arXiv:2402.14740, as TRL's RLOOTrainer)
 *
 * averaged over answers of the mean of their tokens, over all tokens (DAPO), or over answers of the tokens' sum divided by
 * the most that an answer may have (Dr. GRPO, 2025, arXiv:2503.20783). Equals TRL 1.13's `_compute_loss`.
 */
import { segmentSum, tf, type Tensor1D } from '@llmf/nn';
import type { Loss, LossInputs, LossResult, MetricSum } from '@llmf/training';
import type { GrpoOptions } from './options.js';

export type GrpoLossOptions = Pick<
  GrpoOptions,
  | 'clipRange'
  | 'clipRangeHigh'
  | 'average'
  | 'ratio'
  | 'klCoefficient'
  | 'klPlace'
  | 'klCorrection'
  | 'entropyCoefficient'
  | 'maxNewTokens'
>;

/** What the rollout left with each token, by the names of `tokenExtras`. */
export const rolloutNumbers = { logProb: 'oldLogProb', advantage: 'advantage', reference: 'referenceLogProb' } as const;

/** Minimised by stage `grpo`; a row is a group: a prompt and its answers. */
export const grpoLoss: Loss<GrpoLossOptions> = {
  name: 'grpo',
  needs: ({ entropyCoefficient }) => ({
    rows: 'prompt',
    reference: 'none',
    stats: entropyCoefficient === 0 ? [] : ['entropy'],
    span: 'response',
    coupling: 'item',
  }),
  atReference: () => null,
  compute(inputs, options) {
    const policy = policyTerm(inputs, options);
    if (options.entropyCoefficient === 0) return [policy];
    const items = tf.mul(inputs.policy.entropy!, -options.entropyCoefficient) as Tensor1D;
    return [policy, { items, unit: 'token', metrics: {} }];
  },
};

function policyTerm(inputs: LossInputs, options: GrpoLossOptions): LossResult {
  const { clipRange, clipRangeHigh, klCoefficient, klPlace, klCorrection } = options;
  const { logProb } = inputs.policy;
  const extra = (name: keyof typeof rolloutNumbers) => tf.tensor1d(inputs.tokenExtras![rolloutNumbers[name]]!);
  const advantage = extra('advantage'); // [S]
  const logRatio = tf.sub(logProb, extra('logProb')) as Tensor1D; // [S]
  const ratio = tf.exp(perToken(logRatio, inputs, options.ratio)); // [S]
  const free = tf.mul(ratio, advantage);
  const clipped = tf.mul(tf.clipByValue(ratio, 1 - clipRange, 1 + clipRangeHigh), advantage);
  const pure = tf.neg(tf.minimum(free, clipped)) as Tensor1D;
  const metrics = {
    'loss/policy_avg': sumOf(pure),
    'policy/clipfrac_avg': sumOf(tf.cast(tf.less(clipped, free), 'float32')),
    'policy/approxkl_avg': sumOf(tf.mul(tf.square(logRatio), 0.5)),
    'val/ratio': sumOf(ratio),
  };
  if (klCoefficient === 0 || klPlace === 'reward') return averaged(pure, metrics, inputs, options);
  const toReference = tf.sub(extra('reference'), logProb);
  const k3 = tf.sub(tf.sub(tf.exp(toReference), toReference), 1);
  const kl = klCorrection ? tf.mul(k3, ratio) : k3;
  const items = tf.add(pure, tf.mul(kl, klCoefficient)) as Tensor1D;
  return averaged(items, { ...metrics, kl: sumOf(kl) }, inputs, options);
}

/** log ρ of each token: its own, or that of its answer. */
function perToken(logRatio: Tensor1D, { response, tokens }: LossInputs, ratio: GrpoLossOptions['ratio']): Tensor1D {
  if (ratio === 'token') return logRatio;
  const sums = segmentSum(logRatio, response, tokens.length); // [R]
  const ofAnswers = ratio === 'answer' ? sums : tf.div(sums, tf.tensor1d(Float32Array.from(tokens)));
  return tf.gather(ofAnswers, tf.tensor1d(response, 'int32')) as Tensor1D;
}

/** Items [S] as the units they are averaged over: tokens, or groups with the mean of their answers. */
function averaged(
  items: Tensor1D,
  metrics: LossResult['metrics'],
  { response, tokens, group, groups }: LossInputs,
  { average, maxNewTokens }: GrpoLossOptions,
): LossResult {
  if (average === 'tokens') return { items, unit: 'token', metrics };
  const answersOf = new Int32Array(groups);
  for (const each of group) answersOf[each]! += 1;
  const shares = Float32Array.from(response, (r) => {
    const length = average === 'limit' ? maxNewTokens : tokens[r]!;
    return 1 / (length * answersOf[group[r]!]!);
  });
  const groupOfToken = Int32Array.from(response, (r) => group[r]!);
  return {
    items: segmentSum(tf.mul(items, tf.tensor1d(shares)) as Tensor1D, groupOfToken, groups),
    unit: 'group',
    metrics,
  };
}

const sumOf = (values: tf.Tensor): MetricSum => ({ sum: tf.sum(values), count: values.size });
