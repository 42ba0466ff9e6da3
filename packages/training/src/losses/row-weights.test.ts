// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '../contracts/data.js';
import type { Loss, LossTerm } from '../contracts/loss.js';
import type { Run } from '@llmf/core';
import { describe, expect, it } from 'vitest';
import { type Model, tf } from '@llmf/nn';
import { evaluationMode } from '../objective/log-probs.js';
import { MetricTotals } from '../objective/metric-totals.js';
import { Objective } from '../objective/objective.js';
import { imitatedLogProbs, imitatedRoles } from './imitated.js';

/** A model whose next-token scores are the row of its token in a table. */
const table = tf.tensor2d([0.5, -1, 2, 0, 1, -0.5, 1.5, 0.25, -2], [3, 3]);
const model = {
  embed: (ids: Parameters<Model['embed']>[0]) => tf.gather(table, ids),
  forward: (embedded: Parameters<Model['forward']>[0]) => embedded,
  head: { weight: tf.eye(3), bias: null },
} as Partial<Model> as Model;

const likelihood: Loss<object> = {
  name: 'likelihood',
  needs: () => ({
    rows: 'single',
    reference: 'none',
    stats: ['logProb'],
    span: 'response',
    roles: imitatedRoles,
    coupling: 'item',
  }),
  compute: (inputs) => ({ items: tf.neg(imitatedLogProbs(inputs, 'response')), unit: 'token', metrics: {} }),
  atReference: () => null,
};

/** Rows of token ids with weights; every token but a row's first is counted. */
function batchOf(rows: readonly { ids: readonly number[]; weight: number }[]): Batch {
  const starts = rows.map((_, r) => rows.slice(0, r).reduce((sum, { ids }) => sum + ids.length, 0));
  const counted = rows.flatMap(({ ids }, r) => ids.slice(1).map((target, t) => ({ row: starts[r]! + t, target, r })));
  const none = new Int32Array(0);
  return {
    ids: Int32Array.from(rows.flatMap(({ ids }) => ids)),
    segments: rows.map(({ ids }, r) => ({ start: starts[r]!, length: ids.length })),
    positions: Int32Array.from(rows.flatMap(({ ids }) => [...ids.keys()])),
    rows: Int32Array.from(counted, ({ row }) => row),
    targets: Int32Array.from(counted, ({ target }) => target),
    response: Int32Array.from(counted, ({ r }) => r),
    prompt: { rows: none, targets: none, group: none },
    responses: {
      group: Int32Array.from(rows.keys()),
      role: rows.map(() => 'response' as const),
      tokens: Int32Array.from(rows, ({ ids }) => ids.length - 1),
      weight: Float32Array.from(rows, ({ weight }) => weight),
      start: Int32Array.from(starts),
      length: Int32Array.from(rows, ({ ids }) => ids.length),
      extras: {},
    },
    tokenExtras: {},
    groups: rows.length,
    rowIndices: Int32Array.from(rows.keys()),
    extras: {},
    media: [],
    tokens: counted.length + rows.length,
  };
}

/** The loss of one optimizer step over these microbatches. */
function stepLoss(...batches: Batch[]): number {
  const hooks = { inputsEmbedded: { call: (embedded: unknown) => embedded } };
  const run = { container: { resolve: () => hooks } } as unknown as Run;
  const terms: LossTerm[] = [{ loss: likelihood as Loss, options: {} as never, weight: 1 }];
  const objective = new Objective(run, { model, heads: new Map() }, terms, likelihood.needs({}), null);
  const units = objective.units(batches);
  const totals = new MetricTotals();
  const shares = batches.map((batch) =>
    tf.tidy(() => objective.loss(batch, evaluationMode(null), null, units, totals).dataSync()[0]!),
  );
  totals.dispose();
  return shares.reduce((sum, share) => sum + share, 0);
}

describe("rows' weights", () => {
  const [first, second, third] = [
    [0, 1, 2],
    [2, 2],
    [1, 0, 0, 1],
  ];
  const row = (ids: number[], weight = 1) => ({ ids, weight });

  it('count a row as often as its weight says', () => {
    const weighted = stepLoss(batchOf([row(first), row(second, 3)]));
    const repeated = stepLoss(batchOf([row(first), row(second), row(second), row(second)]));
    expect(weighted).toBeCloseTo(repeated, 6);
  });

  it('of 0 leave a row out', () => {
    expect(stepLoss(batchOf([row(first), row(second, 0)]))).toBeCloseTo(stepLoss(batchOf([row(first)])), 6);
  });

  it('of 0 alone make a step without loss, not NaN', () => {
    expect(stepLoss(batchOf([row(first, 0)]))).toBe(0);
  });

  it('make microbatches the same as one batch', () => {
    const a = row(first, 0.5);
    const b = row(second, 2);
    const c = row(third);
    expect(stepLoss(batchOf([a]), batchOf([b, c]))).toBeCloseTo(stepLoss(batchOf([a, b, c])), 6);
  });
});
