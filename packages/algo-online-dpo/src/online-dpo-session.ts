// SPDX-License-Identifier: Apache-2.0
import type { Run, StageSession, StepResult } from '@llmf/core';
import { tf } from '@llmf/nn';
import {
  answeredRow,
  answerFacts,
  assess,
  heldOutMetrics,
  learn,
  policyMetrics,
  Rollouts,
  samplingDifference,
  stepResult,
  type Assessed,
  type Assessors,
  type Learner,
  type StepFacts,
} from '@llmf/rollouts';
import {
  HealthWatch,
  lossTermsOf,
  Objective,
  openPolicy,
  openReference,
  peakLearningRate,
  Rows,
  Updater,
  type EncodedRow,
  type LossStage,
  type Reference,
} from '@llmf/training';
import { healthRules } from './health-rules.js';
import type { OnlineDpoOptions } from './options.js';
import { pairOf, type AnswerPair } from './pairs.js';

/** What the losses are told; where the config names no rate: TRL’s OnlineDPOConfig, and of adapters stage `preference`’s. */
export const onlineDpoFacts = {
  name: 'online-dpo',
  rows: 'pair',
  learningRates: { adapter: 5e-5, full: 5e-7 },
} as const satisfies LossStage;

/** By this name a pair’s tokens carry the reference’s log-probs, which are computed once a step. */
const ofReference = 'referenceLogProb';

/** Composes the parts of training and of rollouts in the order of online DPO. */
export async function openOnlineDpo(run: Run, written: Record<string, unknown>): Promise<StageSession> {
  const options = written as OnlineDpoOptions;
  const { terms, needs } = lossTermsOf(run, onlineDpoFacts);
  const policy = await openPolicy(run, needs.heads);
  const rows = await Rows.open(run, policy.model, { rows: 'prompt', room: options.maxNewTokens });
  const rollouts = await Rollouts.open(run, policy, onlineDpoFacts.name, options);
  const reference = needs.reference === 'none' ? null : await openReference(run, policy, [], { wantsPrompt: false });
  const objective = new Objective(run, policy, terms, needs, reference === null ? null : remembered(reference));
  const updater = new Updater(run, policy.variables, peakLearningRate(run, onlineDpoFacts, policy));
  return new OnlineDpoSession(options, { run, policy, rows, objective, updater }, { run, policy, reference }, rollouts);
}

/** The reference as the tokens of the step’s pairs carry it. */
const remembered = ({ description, equalsPolicyAtStart }: Reference): Reference => ({
  description,
  equalsPolicyAtStart,
  logProbs: async ({ tokenExtras }) => ({ logProb: tf.tensor1d(tokenExtras[ofReference]!) }),
  dispose: () => {},
});

class OnlineDpoSession implements StageSession {
  readonly stepsPerEpoch: number;
  private readonly health: HealthWatch<StepFacts>;

  constructor(
    private readonly options: OnlineDpoOptions,
    private readonly learner: Learner,
    private readonly assessors: Assessors,
    private readonly rollouts: Rollouts,
  ) {
    this.stepsPerEpoch = learner.rows.stepsPerEpoch;
    this.health = new HealthWatch(learner.run, healthRules);
  }

  async verify(): Promise<void> {}

  /** Pairs of answers, and the updates that learn from them. */
  async step(step: number): Promise<StepResult> {
    const { rows } = this.learner;
    const { answers: size, missingEosPenalty, epochs, miniBatches } = this.options;
    const prompts = await rows.rowsOf(step);
    const answers = await this.rollouts.of(rows.train, prompts, { step, split: 'train', answers: size });
    const groups = prompts.map((_, at) => answers.slice(at * size, (at + 1) * size));
    const pairs = groups.flatMap((group) => pairOf(group, missingEosPenalty) ?? []);
    const rewards = {
      ...this.rollouts.metricsOf(answers),
      frac_reward_zero_std: (groups.length - pairs.length) / groups.length,
    };
    if (pairs.length === 0) return stepResult(rewards, []);

    const batches = await rows.pack(
      pairs.map((pair) => pairRow(pair)),
      { split: 'train', step },
    );
    const assessed = await assess(this.assessors, batches, rows.train);
    const learnable = pairs.map((pair, at) => pairRow(pair, assessed.slice(2 * at, 2 * at + 2)));
    const learned = await learn(this.learner, learnable, step, { epochs, miniBatches, ratioLimit: null, stopKl: null });

    const metrics = {
      ...rewards,
      'objective/scores_margin': pairs.reduce((sum, { margin }) => sum + margin, 0) / pairs.length,
      ...policyMetrics(assessed),
      'sampling/logp_difference_max': samplingDifference(pairs.flatMap(answersOf), assessed),
      ...learned.metrics,
    };
    this.health.see(step, { metrics, answers: answers.map(answerFacts) });
    return stepResult(metrics, [...batches, ...learned.batches]);
  }

  evaluate(): Promise<Record<string, number> | null> {
    return heldOutMetrics(this.rollouts, this.learner.rows, this.assessors);
  }
}

const answersOf = ({ chosen, rejected }: AnswerPair) => [chosen, rejected];

/** A row of stage `preference`, of which each answer’s tokens may carry the reference’s log-probs. */
function pairRow(pair: AnswerPair, assessed: readonly Assessed[] = []): EncodedRow {
  const numbers = assessed.flatMap(({ reference }) => (reference === null ? [] : [{ [ofReference]: reference }]));
  const row = answeredRow(answersOf(pair), numbers);
  const [chosen, rejected] = row.responses;
  return {
    ...row,
    responses: [
      { ...chosen!, role: 'chosen' },
      { ...rejected!, role: 'rejected' },
    ],
  };
}
