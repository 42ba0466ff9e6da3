// SPDX-License-Identifier: Apache-2.0
/**
 * Implicit language Q-learning (Snell et al., 2022, arXiv:2206.11871, section 4) in the form of trlX
 * (trlx/models/modeling_ilql.py, ILQLConfig.loss), for each counted token a in state s:
 *
 *   L_Q    = Σ_i (Q_i(s, a) − (r + γ·V(s′)))²            r: the reward at the answer's last token, else 0; V(end) = 0
 *   L_V    = |τ − [Q̂ < V]|·(Q̂ − V)²                      Q̂ = min_i of the targets at (s, a): the expectile of Q̂
 *   L_CQL  = −Σ_i log softmax(Q_i(s, ·))[a]
 *   L_AWAC = −e^(β·(Q̂ − V))·log π(a|s)
 *   L      = L_Q + L_V + cqlScale·L_CQL + awacScale·L_AWAC
 *
 * V(s′), Q̂ in L_V and L_AWAC, and the weight of L_AWAC are constants. All are averaged over tokens, as in trlX.
 */
import { boundedExp, metricMean, stopGradient, type Loss, type LossInputs } from '@llmf/training';
import { tf, type Tensor1D, type Tensor2D } from '@llmf/nn';
import { qNames, targetName, valueName } from './ilql-heads.js';
import type { IlqlOptions } from './options.js';

/** What is known of the training rows: rewards become (r − mean) / deviation. */
export interface RewardScale {
  readonly mean: number;
  readonly deviation: number;
}
export type IlqlLossOptions = IlqlOptions & { readonly scale: RewardScale };

export const ilqlLoss: Loss<IlqlLossOptions> = {
  name: 'ilql',
  needs: ({ reward }) => ({
    rows: 'single',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
    columns: [reward],
  }),

  compute(inputs, options) {
    const { gamma, cqlScale, awacScale, beta, twoQs } = options;
    const heads = inputs.policy.heads!;
    const qs = qNames(twoQs).map((name) => columnsOf(heads[name]!)); // Q(s, a) and its log-softmax, each [S]
    const targets = qNames(twoQs).map((name) => stopGradient(columnsOf(heads[targetName(name)]!).value));
    const target = targets.reduce((least, each) => tf.minimum<Tensor1D>(least, each)); // Q̂
    const value = tf.reshape(heads[valueName]!, [-1]) as Tensor1D; // V(s)
    const goal = tf.add<Tensor1D>(
      rewardsOf(inputs, options),
      tf.mul(nextValues(stopGradient(value), inputs.response), gamma),
    );
    const qLoss = sum(qs.map((q) => tf.square(tf.sub(q.value, goal))));
    const vLoss = expectile(target, value, options.tau);
    const cqlLoss = sum(qs.map(({ logSoftmax }) => tf.neg<Tensor1D>(logSoftmax)));
    const weight = boundedExp(tf.mul(tf.sub<Tensor1D>(target, stopGradient(value)), beta));
    const awacLoss = tf.neg<Tensor1D>(tf.mul(weight, inputs.policy.logProb));
    return {
      items: sum([qLoss, vLoss, tf.mul(cqlLoss, cqlScale), tf.mul(awacLoss, awacScale)]),
      unit: 'token',
      metrics: {
        loss_q: metricMean(qLoss),
        loss_v: metricMean(vLoss),
        loss_cql: metricMean(cqlLoss),
        loss_awac: metricMean(awacLoss),
        q_mean: metricMean(qs[0]!.value),
        target_q_mean: metricMean(target),
        v_mean: metricMean(value),
      },
    };
  },

  atReference: () => null,
};

const sum = (terms: readonly Tensor1D[]): Tensor1D => terms.reduce((total, term) => tf.add<Tensor1D>(total, term));

function columnsOf(output: Tensor2D): { readonly value: Tensor1D; readonly logSoftmax: Tensor1D } {
  const column = (at: number) => tf.reshape(tf.slice(output, [0, at], [-1, 1]), [-1]) as Tensor1D;
  return { value: column(0), logSoftmax: column(1) };
}

/** τ·(Q̂ − V)² where the target is above, (1 − τ)·(Q̂ − V)² where it is below. */
function expectile(target: Tensor1D, value: Tensor1D, tau: number): Tensor1D {
  const isAbove = tf.cast(tf.greaterEqual(target, stopGradient(value)), 'float32');
  const weight = tf.add<Tensor1D>(tf.mul(isAbove, 2 * tau - 1), 1 - tau);
  return tf.mul(weight, tf.square(tf.sub(target, value)));
}

/** V of the state behind each token: that of the answer's next one; 0 behind its last. A constant. */
function nextValues(value: Tensor1D, response: Int32Array): Tensor1D {
  const goesOn = Float32Array.from(response, (r, at) => (response[at + 1] === r ? 1 : 0));
  const shifted = tf.concat([tf.slice(value, 1), tf.zeros<tf.Rank.R1>([1])]);
  return tf.mul<Tensor1D>(shifted, tf.tensor1d(goesOn));
}

/** The row's reward at its answer's last counted token, 0 before: [S]. */
function rewardsOf({ response, group, extras }: LossInputs, { reward, scale }: IlqlLossOptions): Tensor1D {
  const ofRow = (r: number) => (extras[reward]![group[r]!]! - scale.mean) / scale.deviation;
  return tf.tensor1d(Float32Array.from(response, (r, at) => (response[at + 1] === r ? 0 : ofRow(r))));
}
