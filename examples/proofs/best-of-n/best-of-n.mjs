// SPDX-License-Identifier: Apache-2.0
// Rejection sampling: of n answers to a prompt, the one with the highest reward is learned. Touvron et al., "Llama 2",
// 2023 (arXiv:2307.09288), section 3.2.3; trlX's RFT.
import { apiVersion, StageToken, z } from '@llmf/core';
import { tf } from '@llmf/nn';
import { AnswerWriter, answeredRow, Rewards, samplingShape } from '@llmf/rollouts';
import {
  evaluationMode,
  EvaluationSums,
  lossTermsOf,
  MetricTotals,
  Objective,
  openPolicy,
  peakLearningRate,
  Rows,
  Updater,
} from '@llmf/training';

const options = z.strictObject({
  ...samplingShape,
  answers: z.int().min(2).default(4).describe('Answers to a prompt, of which the best is learned.'),
});

class BestOfN {
  constructor(parts) {
    Object.assign(this, parts);
    this.stepsPerEpoch = parts.rows.stepsPerEpoch;
  }

  async verify() {}

  async step(step) {
    const { rows, objective, updater, policy } = this;
    const groups = await this.scored(rows.train, await rows.rowsOf(step), `step ${step}`, step);
    const best = groups.flatMap((group) => bestOf(group));
    const all = groups.flat().flatMap(({ score }) => (score === null ? [] : [score]));
    const totals = new MetricTotals();
    const learned = best.map(({ answer }) => answeredRow([answer]));
    const batches = await rows.pack(learned, { split: 'train', step });
    const units = objective.units(batches);
    for (const [microbatch, batch] of batches.entries()) {
      const randomKey = { seed: this.run.config.train.seed, stream: 'dropout', step, microbatch };
      const mode = { adapter: policy.adapter, training: true, randomKey, gradientCheckpointing: false };
      updater.accumulate(() => objective.loss(batch, mode, null, units, totals));
    }
    const { learningRate, gradNorm } = await updater.update(step);
    if (gradNorm !== undefined) totals.takeShare('gradNorm', gradNorm);
    const rewards = { reward: mean(all), reward_best: mean(best.map(({ score }) => score)) };
    return {
      metrics: totals.read().then((metrics) => ({ ...metrics, ...rewards, learningRate })),
      tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0),
      computedTokens: batches.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }

  /** The mean reward of the answers to held-out prompts, drawn as in training, and the loss of the best. */
  async evaluate() {
    const { rows, objective, policy } = this;
    if (rows.evaluation === null) return null;
    const scores = [];
    const sums = new EvaluationSums();
    for await (const prompts of rows.sweepRows(rows.evaluation)) {
      const groups = await this.scored(rows.evaluation, prompts, 'evaluation', this.run.step);
      const best = groups.flatMap((group) => bestOf(group));
      scores.push(...groups.flat().flatMap(({ score }) => (score === null ? [] : [score])));
      for (const batch of await rows.pack(
        best.map(({ answer }) => answeredRow([answer])),
        { split: 'eval', step: 0 },
      )) {
        tf.tidy(() => sums.add(objective.parts(batch, evaluationMode(policy.adapter), null)));
      }
    }
    return { ...(await sums.averages()), reward: mean(scores) };
  }

  /** Answers with their scores, a list for each prompt. */
  async scored(split, prompts, stream, step) {
    const { writer, rewards, answers: n } = this;
    const answers = await writer.write(split, prompts, { stream, answers: n });
    const scores = await rewards.score(
      answers.map(({ sample }) => sample),
      step,
    );
    const scored = answers.map((answer, at) => ({ answer, score: scores[at].score }));
    return prompts.map((_, at) => scored.slice(at * n, (at + 1) * n));
  }
}

/** The answer with the highest score, of equal ones the first; none where no reward says anything of any. */
function bestOf(group) {
  const known = group.filter(({ score }) => score !== null);
  return known.length === 0 ? [] : [known.reduce((best, each) => (each.score > best.score ? each : best))];
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const bestOfNStage = {
  name: 'best-of-n',
  description: 'prompts: draws answers and learns the best of them',
  rows: 'prompt',
  reads: ['rewards'],
  defaults: { loss: 'sft' },
  options,
  async prepare(run, { answers, ...sampling }) {
    const { terms, needs } = lossTermsOf(run, bestOfNStage);
    const policy = await openPolicy(run, needs.heads);
    const rows = await Rows.open(run, policy.model, { rows: 'prompt', room: sampling.maxNewTokens });
    const writer = await AnswerWriter.open(run, policy, sampling);
    const rewards = await Rewards.open(run, { policy, text: writer.text }, bestOfNStage.name);
    const objective = new Objective(run, policy, terms, needs, null);
    const updater = new Updater(run, policy.variables, peakLearningRate(run, bestOfNStage, policy));
    return new BestOfN({ run, answers, policy, rows, writer, rewards, objective, updater });
  },
};

export default function bestOfN() {
  return {
    name: 'best-of-n',
    apiVersion,
    description: bestOfNStage.description,
    apply: (engine) => engine.provide(StageToken, bestOfNStage),
  };
}
