// SPDX-License-Identifier: Apache-2.0
import type { Run, StageSession, StepResult } from '@llmf/core';
import {
  answeredRow,
  answerFacts,
  assess,
  heldOutMetrics,
  klController,
  learn,
  objectiveTemperature,
  policyMetrics,
  Rollouts,
  RunningMoments,
  samplingDifference,
  stepResult,
  type Assessors,
  type KlController,
  type Learner,
  type StepFacts,
} from '@llmf/rollouts';
import {
  HealthWatch,
  Objective,
  openPolicy,
  openReference,
  peakLearningRate,
  Rows,
  tempered,
  Updater,
} from '@llmf/training';
import { experienceOf } from './experience.js';
import { healthRules } from './health-rules.js';
import { settled, type PpoOptions, type WrittenOptions } from './options.js';
import { ppoLoss } from './ppo-loss.js';
import { valueHeadOf } from './value-head.js';

/** Where the config names no rate: trlX's for adapters, TRL's PPOConfig for all weights. */
const stage = { name: 'ppo', learningRates: { adapter: 3e-5, full: 3e-6 } };

/** Composes the parts of training and of rollouts in the order of PPO. */
export async function openPpo(run: Run, written: Record<string, unknown>): Promise<StageSession> {
  const options = settled(written as WrittenOptions);
  const temperature = objectiveTemperature(options);
  const policy = await openPolicy(run, ({ hiddenSize }) => [valueHeadOf(options.valueHead, hiddenSize)]);
  const rows = await Rows.open(run, policy.model, { rows: 'prompt', room: options.maxNewTokens });
  const rollouts = await Rollouts.open(run, policy, stage.name, options);
  const reference = await openReference(run, policy, [], { wantsPrompt: false, temperature });
  const head = valueHeadOf(options.valueHead, policy.model.hiddenSize);
  const term = { loss: ppoLoss, options: { ...options, head } as never, weight: 1 };
  const trained = { ...policy, model: tempered(policy.model, temperature) };
  const objective = new Objective(run, trained, [term], ppoLoss.needs({ ...options, head }), null);
  const updater = new Updater(run, policy.variables, peakLearningRate(run, stage, policy));
  const { klController: controller, klCoefficient: coefficient, klTarget: target, klHorizon: horizon } = options;
  const beta = klController({ controller, coefficient, target, horizon });
  const moments = new RunningMoments();
  run.state.add('kl-controller', beta);
  run.state.add('score-moments', moments);
  run.logger.info(`KL penalty: ${controller} coefficient ${coefficient}, estimator ${options.klEstimator}`);
  return new PpoSession(
    options,
    { run, policy, rows, objective, updater },
    { run, policy, temperature, reference, valueHead: head.name },
    rollouts,
    beta,
    moments,
  );
}

class PpoSession implements StageSession {
  readonly stepsPerEpoch: number;
  private readonly health: HealthWatch<StepFacts>;

  constructor(
    private readonly options: PpoOptions,
    private readonly learner: Learner,
    private readonly assessors: Assessors,
    private readonly rollouts: Rollouts,
    private readonly beta: KlController,
    private readonly moments: RunningMoments,
  ) {
    this.stepsPerEpoch = learner.rows.stepsPerEpoch;
    this.health = new HealthWatch(learner.run, healthRules(options));
  }

  /** What the first step checks needs answers: that the ratio begins at 1 is measured in every step. */
  async verify(): Promise<void> {}

  async step(step: number): Promise<StepResult> {
    const { rows } = this.learner;
    const prompts = await rows.rowsOf(step);
    const answers = await this.rollouts.of(rows.train, prompts, {
      step,
      split: 'train',
      answers: this.options.answers,
    });
    const scored = answers.filter(({ reward }) => reward.score !== null);
    const rewards = this.rollouts.metricsOf(answers);
    if (scored.length === 0) return stepResult(rewards, []);

    const batches = await rows.pack(
      scored.map((answer) => answeredRow([answer])),
      { split: 'train', step },
    );
    const assessed = await assess(this.assessors, batches, rows.train);
    const experience = experienceOf(scored, assessed, this.beta.coefficient, this.moments, this.options);
    const learned = await learn(this.learner, experience.rows, step, this.options);
    this.beta.note(experience.metrics['objective/kl']!, scored.length);

    const difference = { 'sampling/logp_difference_max': samplingDifference(scored, assessed) };
    const metrics = {
      ...rewards,
      ...policyMetrics(assessed),
      ...difference,
      ...experience.metrics,
      ...learned.metrics,
    };
    this.health.see(step, { metrics, answers: scored.map(answerFacts) });
    return stepResult(metrics, [...batches, ...learned.batches]);
  }

  evaluate(): Promise<Record<string, number> | null> {
    return heldOutMetrics(this.rollouts, this.learner.rows, this.assessors);
  }
}
