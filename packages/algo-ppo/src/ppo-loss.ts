// SPDX-License-Identifier: Apache-2.0
/**
 * Proximal policy optimization: Schulman et al., 2017 (arXiv:1707.06347), equations 7 and 9, with the clipped value loss of
 * OpenAI's baselines; per token, averaged over all tokens of an update, as TRL and trlX.
 *
 *   ρ = π / π_old
 *   L = mean max(−A ρ, −A clip(ρ, 1 − ε, 1 + ε))
 *       + c_V · ½ mean max((V − R)², (clip(V, V_old − ε_V, V_old + ε_V) − R)²)
 *       − c_H · mean H(π)
 *
 *   A    advantage of a token        V, R   value of the state before it, and what it is to be
 *   π    its probability             H      entropy of the distribution that it is drawn from
 */
import { tf, type Head, type Tensor1D } from '@llmf/nn';
import type { Loss, LossInputs, LossResult, MetricSum } from '@llmf/training';

export interface PpoLossOptions {
  readonly clipRange: number;
  readonly valueClipRange: number;
  readonly valueCoefficient: number;
  readonly entropyCoefficient: number;
  /** The value function, read where each token is predicted. */
  readonly head: Head;
}

/** What the rollout left with each token, by the names of `tokenExtras`. */
export const rolloutNumbers = {
  logProb: 'oldLogProb',
  value: 'oldValue',
  advantage: 'advantage',
  return: 'return',
} as const;

/** Policy, value and entropy terms; minimised by stage `ppo` over the answers it wrote. */
export const ppoLoss: Loss<PpoLossOptions> = {
  name: 'ppo',
  needs: ({ entropyCoefficient, head }) => ({
    rows: 'prompt',
    reference: 'none',
    stats: entropyCoefficient === 0 ? [] : ['entropy'],
    span: 'response',
    coupling: 'item',
    heads: [head],
  }),
  atReference: () => null,
  compute(inputs, options) {
    const { entropyCoefficient } = options;
    const policy = policyTerm(inputs, options);
    if (entropyCoefficient === 0) return [policy, valueTerm(inputs, options)];
    const items = tf.sub(policy.items, tf.mul(inputs.policy.entropy!, entropyCoefficient)) as Tensor1D;
    return [{ ...policy, items }, valueTerm(inputs, options)];
  },
};

function policyTerm({ policy, tokenExtras }: LossInputs, { clipRange }: PpoLossOptions): LossResult {
  const advantage = tf.tensor1d(tokenExtras![rolloutNumbers.advantage]!); // [S]
  const logRatio = tf.sub(policy.logProb, tf.tensor1d(tokenExtras![rolloutNumbers.logProb]!)) as Tensor1D; // [S]
  const ratio = tf.exp(logRatio);
  const free = tf.neg(tf.mul(advantage, ratio));
  const clipped = tf.neg(tf.mul(advantage, tf.clipByValue(ratio, 1 - clipRange, 1 + clipRange)));
  const items = tf.maximum(free, clipped) as Tensor1D;
  return {
    items,
    unit: 'token',
    metrics: {
      'loss/policy_avg': sumOf(items),
      'policy/clipfrac_avg': sumOf(tf.cast(tf.greater(clipped, free), 'float32')),
      'policy/approxkl_avg': sumOf(tf.mul(tf.square(logRatio), 0.5)),
      'val/ratio': sumOf(ratio),
    },
  };
}

function valueTerm(
  { policy, tokenExtras }: LossInputs,
  { valueClipRange, valueCoefficient, head }: PpoLossOptions,
): LossResult {
  const value = tf.reshape(policy.heads![head.name]!, [-1]) as Tensor1D; // [S]
  const before = tf.tensor1d(tokenExtras![rolloutNumbers.value]!);
  const wanted = tf.tensor1d(tokenExtras![rolloutNumbers.return]!);
  const held = tf.add(before, tf.clipByValue(tf.sub(value, before), -valueClipRange, valueClipRange));
  const [free, clipped] = [tf.square(tf.sub(value, wanted)), tf.square(tf.sub(held, wanted))];
  const items = tf.mul(tf.maximum(free, clipped), 0.5) as Tensor1D;
  return {
    items: tf.mul(items, valueCoefficient),
    unit: 'token',
    metrics: {
      'loss/value_avg': sumOf(items),
      'val/clipfrac_avg': sumOf(tf.cast(tf.greater(clipped, free), 'float32')),
    },
  };
}

const sumOf = (values: tf.Tensor): MetricSum => ({ sum: tf.sum(values), count: values.size });
