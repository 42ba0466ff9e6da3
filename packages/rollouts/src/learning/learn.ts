// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import {
  disposeReference,
  MetricTotals,
  recomputesBlocks,
  unhurried,
  type Batch,
  type EncodedRow,
  type ForwardMode,
  type Objective,
  type Policy,
  type Rows,
  type Updater,
} from '@llmf/training';
import { miniBatches } from './mini-batches.js';

export interface Learner {
  readonly run: Run;
  readonly policy: Policy;
  readonly rows: Rows;
  readonly objective: Objective;
  readonly updater: Updater;
}

export interface LearningPlan {
  /** Passes over the rows. */
  readonly epochs: number;
  /** Updates of a pass. */
  readonly miniBatches: number;
  /** An update whose mean ratio is above is left out; null: none is. */
  readonly ratioLimit: number | null;
  /** An update whose approximate KL is above 1.5 times this ends the step; null: never. */
  readonly stopKl: number | null;
}

export interface Learned {
  /** Means over the updates that were looked at. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly batches: readonly Batch[];
}

/**
 * The updates of a step: passes over rows of answers in mini-batches, each an update of its own, until the policy has gone
 * too far. The objective reports `val/ratio` and `policy/approxkl_avg`.
 */
export async function learn(
  learner: Learner,
  rows: readonly EncodedRow[],
  step: number,
  plan: LearningPlan,
): Promise<Learned> {
  const { seed } = learner.run.config.train;
  const metrics: Readonly<Record<string, number>>[] = [];
  const batches: Batch[] = [];
  let [updates, skipped] = [0, 0];
  const result = (): Learned => ({
    metrics: { ...means(metrics), 'policy/updates': updates, 'policy/skipped_updates': skipped },
    batches,
  });
  for (let epoch = 0; epoch < plan.epochs; epoch++) {
    for (const part of miniBatches(rows, plan.miniBatches, { seed, step, epoch })) {
      const packed = await learner.rows.pack(part, { split: 'train', step });
      const seen = await accumulated(learner, packed, step, metrics.length);
      batches.push(...packed);
      metrics.push(seen);
      if (plan.stopKl !== null && seen['policy/approxkl_avg']! > 1.5 * plan.stopKl) {
        learner.updater.discard();
        skipped++;
        return result();
      }
      if (plan.ratioLimit !== null && seen['val/ratio']! > plan.ratioLimit) {
        learner.updater.discard();
        skipped++;
        continue;
      }
      metrics.push(await updated(learner.updater, step));
      updates++;
    }
  }
  return result();
}

/** Gradients of one update over its passes, and what the objective says of it; `before`: numbers of an earlier update are other ones. */
async function accumulated(
  { run, policy, rows, objective, updater }: Learner,
  batches: readonly Batch[],
  step: number,
  before: number,
): Promise<Record<string, number>> {
  const { seed } = run.config.train;
  const gradientCheckpointing = recomputesBlocks(run, policy, rows);
  const units = objective.units(batches);
  const totals = new MetricTotals();
  const randomKey = { seed, stream: 'dropout', step, microbatch: before };
  let firstToken = 0;
  for await (const batch of unhurried(batches)) {
    const mode: ForwardMode = { adapter: policy.adapter, training: true, randomKey, firstToken, gradientCheckpointing };
    const reference = await objective.referenceLogProbs(batch, rows.train);
    updater.accumulate(() => objective.loss(batch, mode, reference, units, totals));
    disposeReference(reference);
    firstToken += batch.ids.length;
  }
  return await totals.read();
}

async function updated(updater: Updater, step: number): Promise<Record<string, number>> {
  const { learningRate, gradNorm } = await updater.update(step);
  if (gradNorm === undefined) return { learningRate };
  const [norm] = await gradNorm.data();
  gradNorm.dispose();
  return { learningRate, gradNorm: norm! };
}

/** Of each metric over the entries that have it. */
function means(entries: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = new Set(entries.flatMap((each) => Object.keys(each)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = entries.flatMap((each) => each[name] ?? []);
      return [name, values.reduce((sum, value) => sum + value, 0) / values.length];
    }),
  );
}
