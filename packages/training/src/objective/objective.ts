// SPDX-License-Identifier: Apache-2.0
import { type ForwardMode, trainingHooks } from '../contracts/hooks.js';
import type { Batch, RowSet } from '../contracts/data.js';
import type { LossInputs, LossNeeds, LossResult, LossTerm, ResponseLogProbs } from '../contracts/loss.js';
import type { Run } from '@llmf/core';
import { segmentSum, tf, type Scalar } from '@llmf/nn';
import type { Reference, ReferenceLogProbs } from '../contracts/reference.js';
import { unitWeights } from '../losses/unit-weights.js';
import type { Policy } from '../policy/policy.js';
import { batchLogProbs } from './log-probs.js';
import { trainingErrors } from '../training-errors.js';
import type { MetricTotals } from './metric-totals.js';

/** Units of one term over a whole optimizer step, each counted with its row's weight: what its sums are divided by. */
export interface UnitCounts {
  readonly group: number;
  readonly token: number;
}

export interface StepUnits {
  readonly terms: readonly UnitCounts[];
  /** Tokens through the model: what its own losses are divided by. */
  readonly computed: number;
}

/** The weighted loss terms of a run over a model, a reference and batches. Holds no tensor of its own. */
export class Objective {
  constructor(
    private readonly run: Run,
    private readonly policy: Pick<Policy, 'model' | 'heads'>,
    readonly terms: readonly LossTerm[],
    readonly needs: LossNeeds,
    private readonly reference: Reference | null,
  ) {}

  /** Units of each term over all batches of a step, counted first, so that accumulation equals one large batch. */
  units(batches: readonly Batch[]): StepUnits {
    const terms = this.terms.map(({ loss, options }) => {
      const needs = loss.needs(options);
      const count = (unit: LossResult['unit']) =>
        batches.reduce((sum, batch) => sum + total(unitWeights(batch, unit, needs)), 0);
      return { group: count('group') || 1, token: count('token') || 1 }; // rows of weight 0 alone add 0 / 1
    });
    return { terms, computed: batches.reduce((sum, { ids }) => sum + ids.length, 0) };
  }

  /** The reference's log-probs of a batch, outside any gradient scope; null when no term needs one. */
  async referenceLogProbs(batch: Batch, rows: RowSet): Promise<ReferenceLogProbs | null> {
    return this.reference === null ? null : await this.reference.logProbs(batch, rows);
  }

  /** Every term's part in the loss of one microbatch: sums over its units and metrics, nothing divided yet. */
  parts(batch: Batch, mode: ForwardMode, reference: ReferenceLogProbs | null): LossPart[] {
    const own = new Map<string, Scalar>();
    const auxiliary = (name: string, sum: Scalar) => void own.set(name, add(own.get(name), sum));
    const { model, heads } = this.policy;
    const { stats, span, pooling } = this.needs;
    const request = { stats, span, pooling, heads };
    const policy = batchLogProbs(model, batch, request, { ...mode, auxiliary }, trainingHooks(this.run));
    const inputs = lossInputs(batch, policy, reference, this.needs);
    const ofModel = [...own].map(([name, sum], at) => this.modelPart(name, sum, batch, at));
    const ofTerms = this.terms.flatMap(({ loss, options, weight }, term) =>
      resultsOf(loss.compute(inputs, options)).map(({ items, unit, metrics, ratios = {} }) => {
        const weights = unitWeights(batch, unit, loss.needs(options));
        const count = weights.length;
        if (items.size !== count) throw trainingErrors.lossUnits({ loss: loss.name, unit, got: items.size, count });
        const sum = tf.sum(tf.mul(items, tf.tensor1d(weights))) as Scalar;
        return { term, name: loss.name, weight, unit, sum, count: total(weights), metrics, ratios };
      }),
    );
    return [...ofTerms, ...ofModel];
  }

  /** A loss of the model's own counts by the tokens that went through it. */
  private modelPart(name: string, sum: Scalar, { ids }: Batch, at: number): LossPart {
    return { term: this.terms.length + at, name, weight: 1, unit: 'computed', sum, count: ids.length, metrics: {} };
  }

  /**
   * Scalar whose gradient a microbatch contributes: Σ parts weight · sum / units of the step. Adds loss and metrics to
   * `totals`.
   */
  loss(
    batch: Batch,
    mode: ForwardMode,
    reference: ReferenceLogProbs | null,
    units: StepUnits,
    totals: MetricTotals,
  ): Scalar {
    const parts = this.parts(batch, mode, reference);
    const averages = parts.map(({ term, sum, unit }) =>
      tf.div(sum, unit === 'computed' ? units.computed : units.terms[term]![unit]),
    );
    const shares = parts.map(({ weight }, at) => tf.mul(averages[at]!, weight));
    const loss = shares.reduce((total, share) => tf.add(total, share)) as Scalar;
    totals.addShare('loss', loss);
    const isAlone = parts.every(({ term }) => term === parts[0]!.term);
    for (const [at, part] of parts.entries()) {
      if (!isAlone) totals.addShare(`loss/${part.name}`, averages[at]!);
      totals.addMetrics(part.metrics);
      totals.addRatios(part.ratios ?? {});
    }
    return loss;
  }
}

/** What one loss result adds: its sum over units (each times its row's weight; these total `count`) and its metrics. */
export interface LossPart {
  /** Index of its term; those of the model's own losses come after. */
  readonly term: number;
  readonly name: string;
  readonly weight: number;
  readonly unit: LossResult['unit'] | 'computed';
  readonly sum: Scalar;
  readonly count: number;
  readonly metrics: LossResult['metrics'];
  readonly ratios?: LossResult['ratios'];
}

const add = (before: Scalar | undefined, sum: Scalar): Scalar => (before === undefined ? sum : tf.add(before, sum));

const total = (weights: Float32Array) => weights.reduce((sum, weight) => sum + weight, 0);

export const resultsOf = (results: LossResult | readonly LossResult[]): readonly LossResult[] =>
  Array.isArray(results) ? results : [results as LossResult];

/** What every loss sees of one microbatch. */
export function lossInputs(
  batch: Batch,
  policy: ResponseLogProbs,
  reference: ReferenceLogProbs | null,
  needs: Pick<LossNeeds, 'span'>,
): LossInputs {
  const { tokens, group, role, weight } = batch.responses;
  return {
    policy,
    ...(reference === null ? {} : { reference: summed(batch, reference, needs) }),
    response: batch.response,
    tokens,
    group,
    role,
    weight,
    groups: batch.groups,
    extras: batch.extras,
    responseExtras: batch.responses.extras,
    tokenExtras: batch.tokenExtras,
    ...(batch.labels !== undefined && { labels: batch.labels }),
  };
}

function summed(
  batch: Batch,
  { logProb, promptLogProb }: ReferenceLogProbs,
  needs: Pick<LossNeeds, 'span'>,
): ResponseLogProbs {
  const sum = segmentSum(logProb, batch.response, batch.responses.tokens.length);
  return {
    logProb,
    sum,
    mean: tf.div(sum, tf.tensor1d(Float32Array.from(batch.responses.tokens))),
    ...(needs.span === 'all' && promptLogProb !== undefined
      ? { prompt: { logProb: promptLogProb, group: batch.prompt.group } }
      : {}),
  };
}
