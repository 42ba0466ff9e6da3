// SPDX-License-Identifier: Apache-2.0
import type { Run, StepResult } from '@llmf/core';
import { tf, type Scalar } from '@llmf/nn';
import type { ForwardMode } from '../contracts/hooks.js';
import { recomputesBlocks } from '../policy/gradient-checkpointing.js';
import type { Policy } from '../policy/policy.js';
import { disposeReference } from '../references/open-reference.js';
import { unhurried, type Rows } from '../rows/rows.js';
import type { Updater } from '../updater/updater.js';
import { EvaluationSums } from './evaluation-sums.js';
import { evaluationMode } from './log-probs.js';
import { MetricTotals } from './metric-totals.js';
import type { Objective } from './objective.js';

/** What an objective is minimised with. */
export interface LoopParts {
  readonly policy: Pick<Policy, 'model' | 'adapter' | 'variables' | 'heads'>;
  readonly rows: Rows;
  readonly objective: Objective;
  readonly updater: Updater;
}

/** Steps and evaluations of a session that minimises an objective over rows. Signals are let in between passes. */
export class ObjectiveLoop {
  constructor(
    private readonly run: Run,
    private readonly parts: LoopParts,
  ) {}

  /** Accumulates every pass of a step (1-based), then updates. */
  async step(step: number): Promise<StepResult> {
    const totals = new MetricTotals();
    const tokens = await this.accumulate(step, totals);
    const { learningRate, gradNorm } = await this.parts.updater.update(step);
    if (gradNorm !== undefined) totals.takeShare('gradNorm', gradNorm);
    return { metrics: totals.read().then((metrics) => ({ ...metrics, learningRate })), ...tokens };
  }

  /** Adds every pass of a step (1-based) to the gradients of the next update, times `weight`; metrics to `totals`. */
  async accumulate(step: number, totals: MetricTotals, weight = 1): Promise<Omit<StepResult, 'metrics'>> {
    const { rows, objective, updater } = this.parts;
    const batches = await rows.batchesOf(step);
    const units = objective.units(batches);
    let firstToken = 0;
    for await (const batch of unhurried(batches)) {
      const reference = await objective.referenceLogProbs(batch, rows.train);
      const mode = this.trainingMode(step, firstToken);
      updater.accumulate(() => weighted(objective.loss(batch, mode, reference, units, totals), weight));
      disposeReference(reference);
      firstToken += batch.ids.length;
    }
    return {
      tokens: batches.reduce((sum, { tokens }) => sum + tokens, 0),
      computedTokens: batches.reduce((sum, { ids }) => sum + ids.length, 0),
    };
  }

  /** Averages over the held-out rows; null where there are none. */
  async evaluate(): Promise<Record<string, number> | null> {
    const { policy, rows, objective } = this.parts;
    const { evaluation } = rows;
    if (evaluation === null || evaluation.length === 0) return null;
    const sums = new EvaluationSums();
    const mode = evaluationMode(policy.adapter);
    for await (const batch of rows.sweep(evaluation)) {
      const reference = await objective.referenceLogProbs(batch, evaluation);
      tf.tidy(() => sums.add(objective.parts(batch, mode, reference)));
      disposeReference(reference);
    }
    return await sums.averages();
  }

  private trainingMode(step: number, firstToken: number): ForwardMode {
    const { policy, rows } = this.parts;
    const { seed } = this.run.config.train;
    const gradientCheckpointing = recomputesBlocks(this.run, policy, rows);
    const randomKey = { seed, stream: 'dropout', step, microbatch: 0 };
    return { adapter: policy.adapter, training: true, randomKey, firstToken, gradientCheckpointing };
  }
}

const weighted = (loss: Scalar, weight: number): Scalar => (weight === 1 ? loss : tf.mul(loss, weight));
