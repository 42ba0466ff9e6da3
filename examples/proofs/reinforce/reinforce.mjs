// SPDX-License-Identifier: Apache-2.0
// REINFORCE with a learned baseline: a reward rule scores what the policy writes, a value head beside the policy learns to
// expect it, and answers are learned by how much better they are than expected. Williams, 1992, "Simple statistical
// gradient-following algorithms for connectionist reinforcement learning", section 6.
import { apiVersion, StageToken, z } from '@llmf/core';
import { tf } from '@llmf/nn';
import { AnswerWriter, answeredRow, RewardToken, rewardRule, Rewards, samplingShape } from '@llmf/rollouts';
import {
  LossToken,
  lossTermsOf,
  metricMean,
  MetricTotals,
  Objective,
  openPolicy,
  peakLearningRate,
  Rows,
  stopGradient,
  Updater,
} from '@llmf/training';

const brief = rewardRule('brief', 'few tokens: one tenth less for each', (samples) =>
  samples.map(({ ids }) => -ids.length / 10),
);

const valueHead = { name: 'v_head', outputs: 1, at: 'token', bias: true };

/** −(R − V)·log π + c·(R − V)² of each token, R the reward of its answer. */
const reinforceLoss = {
  name: 'reinforce',
  description: 'policy gradient with a value head as its baseline',
  options: z.strictObject({
    valueWeight: z.number().positive().default(0.5).describe('c, weight of the value head’s squared error.'),
  }),
  needs: () => ({
    rows: 'prompt',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    coupling: 'item',
    heads: [valueHead],
  }),
  compute({ policy, tokenExtras }, { valueWeight }) {
    const reward = tf.tensor1d(tokenExtras.reward); // [tokens]
    const value = tf.reshape(policy.heads.v_head, [-1]);
    const advantage = tf.sub(reward, stopGradient(value));
    const error = tf.square(tf.sub(reward, value));
    const items = tf.add(tf.neg(tf.mul(advantage, policy.logProb)), tf.mul(error, valueWeight));
    return { items, unit: 'token', metrics: { value_loss: metricMean(error), advantage: metricMean(advantage) } };
  },
  atReference: () => null,
};

class Reinforce {
  constructor(parts) {
    Object.assign(this, parts);
    this.stepsPerEpoch = parts.rows.stepsPerEpoch;
  }

  async verify() {}

  async evaluate() {
    return null;
  }

  async step(step) {
    const { run, rows, writer, rewards, objective, updater, policy } = this;
    const prompts = await rows.rowsOf(step);
    const answers = await writer.write(rows.train, prompts, { stream: `step ${step}` });
    const scores = await rewards.score(
      answers.map(({ sample }) => sample),
      step,
    );
    const batches = await rows.pack(
      answers.map((answer, at) => answeredRow([answer], [{ reward: perToken(answer, scores[at].score ?? 0) }])),
      { split: 'train', step },
    );
    const totals = new MetricTotals();
    const units = objective.units(batches);
    for (const [microbatch, batch] of batches.entries()) {
      const randomKey = { seed: run.config.train.seed, stream: 'dropout', step, microbatch };
      const mode = { adapter: policy.adapter, training: true, randomKey, gradientCheckpointing: false };
      updater.accumulate(() => objective.loss(batch, mode, null, units, totals));
    }
    const { learningRate, gradNorm } = await updater.update(step);
    if (gradNorm !== undefined) totals.takeShare('gradNorm', gradNorm);
    const reward = scores.reduce((sum, { score }) => sum + score, 0) / scores.length;
    return {
      metrics: totals.read().then((metrics) => ({ ...metrics, reward, learningRate })),
      tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0),
      computedTokens: batches.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }
}

const perToken = ({ sample: { ids } }, score) => new Float32Array(ids.length).fill(score);

const stage = {
  name: 'reinforce',
  description: 'prompts: learns answers by how much better they are than a value head expects',
  rows: 'prompt',
  reads: ['rewards'],
  defaults: { loss: 'reinforce', rewards: 'brief' },
  options: z.strictObject(samplingShape),
  async prepare(run, sampling) {
    const { terms, needs } = lossTermsOf(run, stage);
    const policy = await openPolicy(run, needs.heads);
    const rows = await Rows.open(run, policy.model, { rows: 'prompt', room: sampling.maxNewTokens });
    const writer = await AnswerWriter.open(run, policy, sampling);
    const rewards = await Rewards.open(run, { policy, text: writer.text }, stage.name);
    const objective = new Objective(run, policy, terms, needs, null);
    const updater = new Updater(run, policy.variables, peakLearningRate(run, stage, policy));
    return new Reinforce({ run, policy, rows, writer, rewards, objective, updater });
  },
};

export default function reinforce() {
  return {
    name: 'reinforce',
    apiVersion,
    description: stage.description,
    apply(engine) {
      engine.provide(RewardToken, brief);
      engine.provide(LossToken, reinforceLoss);
      engine.provide(StageToken, stage);
    },
  };
}
