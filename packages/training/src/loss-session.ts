// SPDX-License-Identifier: Apache-2.0
import { PrecisionToken, type Run, type StageSession, type StepResult } from '@llmf/core';
import { tf } from '@llmf/nn';
import type { ForwardMode } from './contracts/hooks.js';
import type { Reference } from './contracts/reference.js';
import { checkAtReference } from './objective/at-reference.js';
import { EvaluationSums } from './objective/evaluation-sums.js';
import { evaluationMode } from './objective/log-probs.js';
import { lossTermsOf, type LossStage } from './objective/loss-terms.js';
import { MetricTotals } from './objective/metric-totals.js';
import { Objective } from './objective/objective.js';
import { openPolicy, type Policy } from './policy/policy.js';
import { checkReference, disposeReference, openReference } from './references/open-reference.js';
import { Rows, unhurried } from './rows/rows.js';
import { peakLearningRate } from './updater/learning-rate.js';
import { Updater } from './updater/updater.js';

/** The session of every stage that minimises weighted loss terms over rows, composed from the four parts of training. */
export async function createLossSession(run: Run, stage: LossStage): Promise<StageSession> {
  const { terms, needs } = lossTermsOf(run, stage);
  const policy = await openPolicy(run, needs.heads);
  if (needs.reference !== 'none') await checkReference(run, policy, needs.span === 'all');
  const rows = await Rows.open(run, policy.model, {
    rows: stage.rows,
    columns: needs.columns ?? [],
    mismatched: needs.mismatched ?? false,
  });
  const reference =
    needs.reference === 'none'
      ? null
      : await openReference(run, policy, rows.splits, { wantsPrompt: needs.span === 'all' });
  const objective = new Objective(run, policy, terms, needs, reference);
  return new LossSession(
    run,
    policy,
    rows,
    objective,
    reference,
    new Updater(run, policy.variables, peakLearningRate(run, stage, policy)),
  );
}

class LossSession implements StageSession {
  readonly stepsPerEpoch: number;

  constructor(
    private readonly run: Run,
    private readonly policy: Policy,
    private readonly rows: Rows,
    private readonly objective: Objective,
    private readonly reference: Reference | null,
    private readonly updater: Updater,
  ) {
    this.stepsPerEpoch = rows.stepsPerEpoch;
  }

  async verify(): Promise<void> {
    if (this.reference?.equalsPolicyAtStart !== true) return;
    const [batch] = await this.rows.batchesOf(1);
    if (batch === undefined) return;
    const precision = this.run.container.resolve(PrecisionToken);
    await checkAtReference(this.objective, batch, this.rows.train, evaluationMode(this.policy.adapter), precision);
  }

  async step(step: number): Promise<StepResult> {
    const { rows, objective, updater } = this;
    const batches = await rows.batchesOf(step);
    const units = objective.units(batches);
    const totals = new MetricTotals();
    for await (const [microbatch, batch] of unhurried(batches.entries())) {
      const reference = await objective.referenceLogProbs(batch, rows.train);
      const mode = this.trainingMode(step, microbatch);
      updater.accumulate(() => objective.loss(batch, mode, reference, units, totals));
      disposeReference(reference);
    }
    const { learningRate, gradNorm } = await updater.update(step);
    if (gradNorm !== undefined) totals.takeShare('gradNorm', gradNorm);
    return {
      metrics: totals.read().then((metrics) => ({ ...metrics, learningRate })),
      tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0),
      computedTokens: batches.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }

  async evaluate(): Promise<Record<string, number> | null> {
    const { evaluation } = this.rows;
    if (evaluation === null || evaluation.length === 0) return null;
    const sums = new EvaluationSums();
    const mode = evaluationMode(this.policy.adapter);
    for await (const batch of this.rows.sweep(evaluation)) {
      const reference = await this.objective.referenceLogProbs(batch, evaluation);
      tf.tidy(() => sums.add(this.objective.parts(batch, mode, reference)));
      disposeReference(reference);
    }
    return await sums.averages();
  }

  private trainingMode(step: number, microbatch: number): ForwardMode {
    const { seed, gradientCheckpointing } = this.run.config.train;
    const randomKey = { seed, stream: 'dropout', step, microbatch };
    return { adapter: this.policy.adapter, training: true, randomKey, gradientCheckpointing };
  }
}
