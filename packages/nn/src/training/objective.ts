// SPDX-License-Identifier: Apache-2.0
import type { Batch, LossInputs, LossNeeds, LossResult, LossTerm, ResponseLogProbs, Run } from '@llmf/core';
import { tf } from '../tf.js';
import type { Model, Reference, ReferenceLogProbs } from '../contracts/index.js';
import { segmentSum } from '../ops/segment-sum/segment-sum.js';
import { batchLogProbs, type ForwardMode } from './log-probs.js';
import type { MetricTotals } from './metric-totals.js';

/** Units of each kind over a whole optimizer step (or evaluation): what sums are divided by. */
export interface UnitCounts {
  readonly group: number;
  readonly token: number;
}

/** The weighted loss terms of a run over a model, a reference and batches. Holds no tensor of its own. */
export class Objective {
  constructor(
    private readonly run: Run,
    private readonly model: Model,
    readonly terms: readonly LossTerm[],
    readonly needs: LossNeeds,
    private readonly reference: Reference | null,
  ) {}

  /** Counts units over all batches of a step first, so that accumulation equals one large batch. */
  units(batches: readonly Batch[]): UnitCounts {
    const promptTokens = this.needs.span === 'all' ? batches.reduce((sum, { prompt }) => sum + prompt.rows.length, 0) : 0;
    return {
      group: batches.reduce((sum, { groups }) => sum + groups, 0),
      token: promptTokens + batches.reduce((sum, { rows }) => sum + rows.length, 0),
    };
  }

  /** The reference's log-probs of a batch, outside any gradient scope; null when no term needs one. */
  async referenceLogProbs(batch: Batch): Promise<ReferenceLogProbs | null> {
    return this.reference === null ? null : await this.reference.logProbs(batch);
  }

  /**
   * Scalar whose gradient a microbatch contributes: Σ terms weight · Σ items / units of the step. Adds every metric to
   * `totals` (kept tensors).
   */
  loss(
    batch: Batch,
    mode: ForwardMode,
    reference: ReferenceLogProbs | null,
    units: UnitCounts,
    totals: MetricTotals,
  ): import('@tensorflow/tfjs-core').Scalar {
    const policy = batchLogProbs(this.model, batch, this.needs, mode, this.run.hooks);
    const inputs = lossInputs(batch, policy, reference, this.needs);
    const several = this.terms.length > 1;
    const weighted = this.terms.flatMap(({ loss, options, weight }) =>
      resultsOf(loss.compute(inputs, options)).map((result) => {
        const share = tf.div(tf.sum(result.items), units[result.unit]); // scalar
        totals.addShare('loss', tf.mul(share, weight));
        if (several) totals.addShare(`loss/${loss.name}`, share);
        totals.addMetrics(result.metrics);
        return tf.mul(share, weight);
      }),
    );
    return weighted.reduce((sum, share) => tf.add(sum, share)).asScalar();
  }
}

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
  };
}

function summed(batch: Batch, { logProb, promptLogProb }: ReferenceLogProbs, needs: Pick<LossNeeds, 'span'>): ResponseLogProbs {
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
