// SPDX-License-Identifier: Apache-2.0
import { uniforms, type Run, type StageSession, type StepResult } from '@llmf/core';
import {
  answeredRow,
  answerFacts,
  assess,
  heldOutMetrics,
  learn,
  objectiveTemperature,
  policyMetrics,
  Rollouts,
  samplingDifference,
  stepResult,
  totalScore,
  type Assessed,
  type Assessors,
  type Learner,
  type RolloutRequest,
  type ScoredAnswer,
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
  type EncodedRow,
  type Policy,
  type Reference,
} from '@llmf/training';
import { groupAdvantages, hasNoVariance } from './group-advantages.js';
import { groupScore } from './group-scores.js';
import { grpoErrors } from './grpo-errors.js';
import { grpoLoss, rolloutNumbers } from './grpo-loss.js';
import { healthRules } from './health-rules.js';
import { settled, type GrpoOptions, type WrittenOptions } from './options.js';

/** Where the config names no rate: TRL's GRPOConfig for all weights; its LoRA recipes take ten times as much and more. */
const stage = { name: 'grpo', learningRates: { adapter: 2e-5, full: 1e-6 } };

/** Composes the parts of training and of rollouts in the order of GRPO. */
export async function openGrpo(run: Run, written: Record<string, unknown>): Promise<StageSession> {
  const options = settled(written as WrittenOptions);
  const temperature = objectiveTemperature(options);
  const policy = await openPolicy(run);
  const rows = await Rows.open(run, policy.model, { rows: 'prompt', room: options.maxNewTokens });
  const rollouts = await Rollouts.open(run, policy, stage.name, options);
  const reference = await referenceOf(run, policy, options);
  const term = { loss: grpoLoss, options: options as never, weight: 1 };
  const trained = { ...policy, model: tempered(policy.model, temperature) };
  const objective = new Objective(run, trained, [term], grpoLoss.needs(options), null);
  const updater = new Updater(run, policy.variables, peakLearningRate(run, stage, policy));
  return new GrpoSession(
    options,
    { run, policy, rows, objective, updater },
    { run, policy, temperature, reference },
    rollouts,
  );
}

/** None where KL has no weight. @throws LLMF_ALGO_GRPO_REFERENCE_UNUSED where the config chose one all the same */
async function referenceOf(run: Run, policy: Policy, options: GrpoOptions): Promise<Reference | null> {
  const { klCoefficient, variant, klPlace } = options;
  const chosen = run.config.choices['reference']?.[0]?.name ?? 'auto';
  if (klCoefficient === 0) {
    if (chosen !== 'auto') throw grpoErrors.referenceUnused({ reference: chosen, variant });
    return null;
  }
  run.logger.info(
    `KL penalty: coefficient ${klCoefficient}, estimator ${klPlace === 'loss' ? 'k3, in the loss' : 'k1, off the score'}`,
  );
  return await openReference(run, policy, [], { wantsPrompt: false, temperature: objectiveTemperature(options) });
}

/** An answer that is learned from, and what the policy makes of it. */
interface Known {
  readonly answer: ScoredAnswer;
  readonly assessed: Assessed;
}

class GrpoSession implements StageSession {
  readonly stepsPerEpoch: number;
  private readonly health: HealthWatch<StepFacts>;
  private saidEqual = false;

  constructor(
    private readonly options: GrpoOptions,
    private readonly learner: Learner,
    private readonly assessors: Assessors,
    private readonly rollouts: Rollouts,
  ) {
    this.stepsPerEpoch = learner.rows.stepsPerEpoch;
    this.health = new HealthWatch(learner.run, healthRules);
  }

  async verify(): Promise<void> {}

  /** Groups of answers, compared among themselves, and the updates that learn from them. */
  async step(step: number): Promise<StepResult> {
    const { rows } = this.learner;
    const prompts = await rows.rowsOf(step);
    const request = { step, split: 'train', answers: this.options.answers } as const;
    const answers = await this.rollouts.of(rows.train, prompts, request);
    const { groups, resampled } = await this.resampled(request, this.groupsOf(answers));
    const rewards = {
      ...this.rollouts.metricsOf(answers),
      ...(this.options.resample === 0 ? {} : { 'completions/resampled': resampled }),
    };
    if (groups.length === 0) return stepResult(rewards, []);

    const batches = await rows.pack(
      groups.map((group) => answeredRow(group)),
      { split: 'train', step },
    );
    const assessed = await assess(this.assessors, batches, rows.train);
    const known = withAssessed(groups, assessed);
    const scores = known.map((group) => group.map((each) => groupScore(each.answer, each.assessed, this.options)));
    const advantages = groupAdvantages(scores, this.options.baseline);
    const learnable = known.map((group, at) => learnableRow(group, advantages[at]!));
    const { iterations: epochs, miniBatches } = this.options;
    const learned = await learn(this.learner, learnable, step, { epochs, miniBatches, ratioLimit: null, stopKl: null });

    const metrics = {
      ...rewards,
      ...policyMetrics(assessed),
      'sampling/logp_difference_max': samplingDifference(groups.flat(), assessed),
      frac_reward_zero_std: this.equalShare(step, scores),
      ...learned.metrics,
    };
    this.health.see(step, { metrics, answers: groups.flat().map(answerFacts) });
    return stepResult(metrics, [...batches, ...learned.batches]);
  }

  evaluate(): Promise<Record<string, number> | null> {
    return heldOutMetrics(this.rollouts, this.learner.rows, this.assessors);
  }

  /**
   * Groups without variance give way to those of further prompts, drawn at random, as long as the option allows; those that
   * are left then are left out, unless there are no others.
   */
  private async resampled(request: RolloutRequest, first: ScoredAnswer[][]) {
    const { rows, run } = this.learner;
    const { seed } = run.config.train;
    let [groups, resampled] = [first, 0];
    for (let round = 1; round <= this.options.resample; round++) {
      const kept = groups.filter((group) => !isFlat(group));
      const lacking = first.length - kept.length;
      if (lacking === 0) break;
      const drawn = uniforms({ seed, stream: 'resample', step: request.step, microbatch: round }, 'rows', lacking);
      const prompts = await rows.rowsAt(
        Array.from(drawn, (each) => Math.floor(each * rows.train.length)),
        request.step,
      );
      const further = this.groupsOf(await this.rollouts.of(rows.train, prompts, { ...request, round }));
      resampled += lacking;
      groups = [...kept, ...further];
    }
    if (resampled === 0) return { groups, resampled };
    const telling = groups.filter((group) => !isFlat(group));
    return { groups: telling.length > 0 ? telling : groups, resampled };
  }

  /** Answers by prompt, without those that no reward speaks of (and those cut off, where these are masked). */
  private groupsOf(answers: readonly ScoredAnswer[]): ScoredAnswer[][] {
    const { answers: size, maskCutOff } = this.options;
    const groups = Array.from({ length: answers.length / size }, (_, at) => answers.slice(at * size, (at + 1) * size));
    return groups
      .map((group) =>
        group.filter(({ reward, sample }) => reward.score !== null && !(maskCutOff && sample.reason === 'length')),
      )
      .filter((group) => group.length > 0);
  }

  /** Share of groups without variance; the first time there is one it is said. */
  private equalShare(step: number, scores: readonly (readonly number[])[]): number {
    const equal = scores.filter(hasNoVariance).length;
    if (equal > 0 && !this.saidEqual) {
      this.saidEqual = true;
      this.learner.run.logger.info(
        `step ${step}: in ${equal} of ${scores.length} groups all answers got the same score; nothing is learned from them (frac_reward_zero_std counts)`,
      );
    }
    return equal / scores.length;
  }
}

const isFlat = (group: readonly ScoredAnswer[]) => hasNoVariance(group.map(({ reward }) => totalScore(reward)!));

/** What was made of the answers of all groups in order, by group. */
function withAssessed(groups: readonly (readonly ScoredAnswer[])[], assessed: readonly Assessed[]): Known[][] {
  let next = 0;
  return groups.map((group) => group.map((answer) => ({ answer, assessed: assessed[next++]! })));
}

function learnableRow(group: readonly Known[], advantages: readonly number[]): EncodedRow {
  const numbers = group.map(({ answer, assessed: { logProbs, reference } }, at) => ({
    [rolloutNumbers.logProb]: logProbs,
    [rolloutNumbers.advantage]: new Float32Array(answer.sample.ids.length).fill(advantages[at]!),
    ...(reference === null ? {} : { [rolloutNumbers.reference]: reference }),
  }));
  return answeredRow(
    group.map(({ answer }) => answer),
    numbers,
  );
}
