// SPDX-License-Identifier: Apache-2.0
import { tf } from '@llmf/nn';
import { expect } from 'vitest';
import type { Tolerance } from '../tolerances.js';
import { expectClose, largest, sum } from './compare.js';
import {
  evaluateLoss,
  lossGradient,
  meanLoss,
  needsOf,
  type ChosenLoss,
  type EvaluatedResult,
} from './evaluate-loss.js';
import { everything, raggedBatch, type GroupData, type RaggedBatch } from './ragged.js';
import { equalToReference, extremeGroups, syntheticGroups } from './synthetic.js';

/** What the engine relies on in every loss: each claim's check throws where it does not hold. */
export interface Claim {
  readonly title: string;
  readonly check: (chosen: ChosenLoss, tolerance: Tolerance) => void;
}

const rowCount = 5;
const rowsFor = (chosen: ChosenLoss) => syntheticGroups(needsOf(chosen), rowCount);
const batchFor = (chosen: ChosenLoss) => raggedBatch(rowsFor(chosen));
const isCoupled = (chosen: ChosenLoss) => needsOf(chosen).coupling === 'batch';

export const lossClaims = {
  strictOptions: {
    title: 'refuses options it does not know',
    check({ loss: { options } }) {
      if (options === undefined) return;
      expect(options.safeParse({ anOptionThatNobodyKnows: 1 }).success).toBe(false);
    },
  },

  constantNeeds: {
    title: 'declares the same needs each time, without looking at data',
    check(chosen) {
      const needs = needsOf(chosen);
      expect(needsOf(chosen)).toEqual(needs);
      expect(needs).toMatchObject({
        rows: expect.stringMatching(/^(text|single|pair|labelled|group)$/),
        reference: expect.stringMatching(/^(none|required)$/),
        span: expect.stringMatching(/^(response|all)$/),
        coupling: expect.stringMatching(/^(item|batch)$/),
      });
    },
  },

  itemPerUnit: {
    title: 'gives one item per unit',
    check(chosen) {
      const results = evaluateLoss(chosen, batchFor(chosen));
      expect(results.length).toBeGreaterThan(0);
      for (const { items, weights } of results) expect(items.length).toBe(weights.length);
    },
  },

  finite: {
    title: 'gives finite items, metrics and gradients',
    check: (chosen) => expectFinite(chosen, batchFor(chosen)),
  },

  finiteExtremes: {
    title: 'stays finite for answers of probability 1 and of probability e⁻²⁴⁰⁰',
    check: (chosen) => expectFinite(chosen, raggedBatch(extremeGroups(needsOf(chosen)))),
  },

  finiteDifferences: {
    title: 'has the gradient that finite differences give',
    check(chosen, tolerance) {
      const batch = batchFor(chosen);
      const { logProb, promptLogProb } = lossGradient(chosen, batch);
      const gradient = [...logProb, ...promptLogProb];
      expect(largest(gradient)).toBeGreaterThan(0);
      expectClose(
        gradient,
        finiteDifferences(chosen, batch),
        tolerance.finiteDifference * largest(gradient),
        'gradient',
      );
    },
  },

  atReference: {
    title: 'gives its declared value where policy and reference are equal',
    check(chosen, tolerance) {
      const constant = chosen.loss.atReference(chosen.options);
      if (needsOf(chosen).reference === 'none') expect(constant, 'without a reference, null').toBeNull();
      if (constant === null) return;
      for (const { items } of evaluateLoss(chosen, raggedBatch(equalToReference(rowsFor(chosen))))) {
        const expected = [...items].map(() => constant);
        expectClose(items, expected, tolerance.value * Math.max(1, Math.abs(constant)), 'items');
      }
    },
  },

  anyOrder: {
    title: 'depends neither on the order of rows nor on that of answers within a row',
    check(chosen, { value }) {
      const rows = rowsFor(chosen);
      const swapped = rows.map((group) => ({ ...group, answers: group.answers.toReversed() }));
      const before = evaluateLoss(chosen, raggedBatch(rows));
      const afterReversing = evaluateLoss(chosen, raggedBatch(rows.toReversed()));
      const afterSwapping = evaluateLoss(chosen, raggedBatch(swapped));
      for (const [r, { unit, items }] of before.entries()) {
        const tolerance = value * Math.max(1, largest(items));
        const [reversed, other] = [afterReversing[r]!.items, afterSwapping[r]!.items];
        expectClose(reversed.toSorted(), items.toSorted(), tolerance, 'items of reversed rows, sorted');
        expectClose(other.toSorted(), items.toSorted(), tolerance, 'items of swapped answers, sorted');
        if (unit === 'token' || isCoupled(chosen)) continue;
        expectClose(reversed.toReversed(), items, tolerance, 'items of reversed rows');
        expectClose(other, items, tolerance, 'items of swapped answers');
      }
    },
  },

  anyMicrobatch: {
    title:
      'gives the same items, metrics and gradients in two microbatches, unless it declares that items depend on their batch',
    check(chosen, tolerance) {
      if (isCoupled(chosen)) return;
      const rows = rowsFor(chosen);
      const parts = [raggedBatch(rows.slice(0, 2)), raggedBatch(rows.slice(2))];
      const halves = parts.map((part) => evaluateLoss(chosen, part));
      for (const [r, result] of evaluateLoss(chosen, raggedBatch(rows)).entries()) {
        expectSameItems(
          halves.flatMap((half) => [...half[r]!.items]),
          result.items,
          tolerance,
        );
        expectSameMetrics(
          halves.map((half) => half[r]!.metrics),
          result.metrics,
          tolerance,
        );
      }
      const whole = lossGradient(chosen, raggedBatch(rows), 'sum');
      const gradients = parts.map((part) => lossGradient(chosen, part, 'sum'));
      for (const side of ['logProb', 'promptLogProb'] as const) {
        const joined = gradients.flatMap((part) => [...part[side]]);
        expectClose(joined, whole[side], tolerance.gradient * largest(whole.logProb), `gradient of ${side}`);
      }
    },
  },

  countedMetrics: {
    title: 'gives metrics as sums with counts',
    check(chosen) {
      const counts = evaluateLoss(chosen, batchFor(chosen)).flatMap(({ metrics }) => Object.values(metrics));
      for (const { count } of counts) expect(count, 'count').toSatisfy((n: number) => Number.isInteger(n) && n > 0);
    },
  },

  declaredNeeds: {
    title: 'asks for all it uses and ignores what other terms asked for',
    check(chosen) {
      const batch = batchFor(chosen);
      const items = (results: readonly EvaluatedResult[]) => results.map((result) => result.items);
      const { heads } = needsOf(chosen);
      const more = { ...everything, ...(heads === undefined ? {} : { heads }) };
      expect(items(evaluateLoss(chosen, batch, more))).toEqual(items(evaluateLoss(chosen, batch)));
    },
  },

  unweighted: {
    title: "leaves the rows' weights to the engine, unless it declares that items depend on their batch",
    check(chosen) {
      if (isCoupled(chosen)) return;
      const rows = rowsFor(chosen);
      const weighted = rows.map((group, g): GroupData => ({ ...group, weight: 1 + g }));
      const items = (groups: readonly GroupData[]) =>
        evaluateLoss(chosen, raggedBatch(groups)).map((result) => result.items);
      expect(items(weighted)).toEqual(items(rows));
    },
  },

  noLeak: {
    title: 'leaves no tensor behind',
    check(chosen) {
      const batch = batchFor(chosen);
      lossGradient(chosen, batch);
      const before = tf.memory().numTensors;
      lossGradient(chosen, batch);
      evaluateLoss(chosen, batch);
      expect(tf.memory().numTensors).toBe(before);
    },
  },
} satisfies Record<string, Claim>;

export type LossClaim = keyof typeof lossClaims;

function expectFinite(chosen: ChosenLoss, batch: RaggedBatch): void {
  for (const { items, metrics } of evaluateLoss(chosen, batch)) {
    expect([...items].every(Number.isFinite), `items ${items.join(', ')}`).toBe(true);
    for (const [name, metric] of Object.entries(metrics)) expect(metric.sum, name).toSatisfy(Number.isFinite);
  }
  const { logProb, promptLogProb } = lossGradient(chosen, batch);
  expect([...logProb, ...promptLogProb].every(Number.isFinite), `gradient ${logProb.join(', ')}`).toBe(true);
}

/** Central differences of the mean loss, [S] then [P]. */
function finiteDifferences(chosen: ChosenLoss, batch: RaggedBatch): number[] {
  const step = 2 ** -6;
  const valueAt = (side: 'logProb' | 'promptLogProb', place: number, shift: number) => {
    const moved = Float32Array.from(batch[side]);
    moved[place]! += shift;
    return meanLoss(evaluateLoss(chosen, { ...batch, [side]: moved }));
  };
  const along = (side: 'logProb' | 'promptLogProb') =>
    [...batch[side].keys()].map((place) => (valueAt(side, place, step) - valueAt(side, place, -step)) / (2 * step));
  return [...along('logProb'), ...along('promptLogProb')];
}

/** The same items, in any order: a batch puts all its prompts' tokens behind all its answers', two halves do not. */
function expectSameItems(got: readonly number[], expected: Float32Array, { value }: Tolerance): void {
  const tolerance = value * Math.max(1, largest(expected));
  expectClose(Float32Array.from(got).toSorted(), expected.toSorted(), tolerance, 'items of both halves, sorted');
}

type Metrics = EvaluatedResult['metrics'];

function expectSameMetrics(halves: readonly Metrics[], whole: Metrics, { value }: Tolerance): void {
  for (const [name, metric] of Object.entries(whole)) {
    const parts = halves.map((metrics) => metrics[name]!);
    expect(sum(parts.map(({ count }) => count)), `count of ${name}`).toBe(metric.count);
    const scale = Math.max(1, ...parts.map((part) => Math.abs(part.sum)));
    expectClose([sum(parts.map((part) => part.sum))], [metric.sum], 10 * value * scale, name);
  }
}
