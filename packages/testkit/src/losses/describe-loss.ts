// SPDX-License-Identifier: Apache-2.0
import type { Loss, Precision } from '@llmf/core';
import { tf } from '@llmf/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { tolerances, type Tolerance } from '../tolerances.js';
import {
  evaluateLoss,
  lossGradient,
  meanLoss,
  needsOf,
  type ChosenLoss,
  type EvaluatedResult,
} from './evaluate-loss.js';
import { everything, raggedBatch, type RaggedBatch } from './ragged.js';
import { equalToReference, extremeGroups, syntheticGroups } from './synthetic.js';

/** One set of options that a loss is held to. */
export interface LossCase {
  /** As written in a config, without `name`; defaults are filled in by the loss's schema. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Why a claim does not hold for these options; the suite then demands that it really does not. */
  readonly except?: Partial<Record<LossClaim, string>>;
}

export type LossClaim = 'finiteDifferences' | 'finiteExtremes';

export interface LossSuiteOptions {
  /** tfjs backend to run on; the current one when left out. */
  readonly backend?: string;
  readonly precision?: Precision;
}

const groups = 5;

/**
 * The contract of a loss as a vitest suite: what the engine relies on, checked on synthetic rows for every case.
 *
 * ```ts
 * describeLoss(dpoLoss, [{}, { options: { beta: 0.5 } }]);
 * ```
 */
export function describeLoss<Options>(
  loss: Loss<Options>,
  cases: readonly LossCase[] = [{}],
  { backend, precision = 'f32' }: LossSuiteOptions = {},
): void {
  describe(`loss ${loss.name} keeps the contract`, () => {
    beforeAll(async () => {
      if (backend !== undefined) await tf.setBackend(backend);
      await tf.ready();
    });
    it('has cases', () => expect(cases.length).toBeGreaterThan(0));
    it('refuses options it does not know', () => {
      if (loss.options === undefined) return;
      expect(loss.options.safeParse({ anOptionThatNobodyKnows: 1 }).success).toBe(false);
    });
    describe.each(cases.map((lossCase) => ({ title: titleOf(lossCase), lossCase })))('with $title', ({ lossCase }) => {
      describeCase(loss as Loss, lossCase, tolerances[precision]);
    });
  });
}

function describeCase(loss: Loss, { options, except = {} }: LossCase, tolerance: Tolerance): void {
  const chosen = (): ChosenLoss => ({ loss, options: parsed(loss, options) });
  const rows = (count = groups) => syntheticGroups(needsOf(chosen()), count);
  const batch = (count = groups) => raggedBatch(rows(count));
  const isCoupled = () => needsOf(chosen()).coupling === 'batch';
  const claim = (name: LossClaim, title: string, check: () => void) => {
    const reason = except[name];
    if (reason === undefined) it(title, check);
    else it(`not: ${title} (${reason})`, () => expect(check).toThrow());
  };

  it('accepts the options', () => {
    parsed(loss, options);
  });

  it('declares the same needs each time, without looking at data', () => {
    const needs = needsOf(chosen());
    expect(needsOf(chosen())).toEqual(needs);
    expect(needs).toMatchObject({
      rows: expect.stringMatching(/^(text|single|pair|labelled|group)$/),
      reference: expect.stringMatching(/^(none|required)$/),
      span: expect.stringMatching(/^(response|all)$/),
      coupling: expect.stringMatching(/^(item|batch)$/),
    });
  });

  it('gives one item per unit', () => {
    const results = evaluateLoss(chosen(), batch());
    expect(results.length).toBeGreaterThan(0);
    for (const { items, weights } of results) expect(items.length).toBe(weights.length);
  });

  it('gives finite items, metrics and gradients', () => expectFinite(chosen(), batch()));

  claim('finiteExtremes', 'stays finite for answers of probability 1 and of probability e⁻²⁴⁰⁰', () =>
    expectFinite(chosen(), raggedBatch(extremeGroups(needsOf(chosen())))),
  );

  claim('finiteDifferences', 'has the gradient that finite differences give', () => {
    const { logProb, promptLogProb } = lossGradient(chosen(), batch());
    const gradient = [...logProb, ...promptLogProb];
    expectClose(gradient, finiteDifferences(chosen(), batch()), tolerance.finiteDifference * largest(gradient));
    expect(largest(gradient)).toBeGreaterThan(0);
  });

  it('gives its declared value where policy and reference are equal', () => {
    const {
      loss: { atReference },
      options: read,
    } = chosen();
    const constant = atReference(read);
    if (needsOf(chosen()).reference === 'none') expect(constant).toBeNull();
    if (constant === null) return;
    for (const { items } of evaluateLoss(chosen(), raggedBatch(equalToReference(rows())))) {
      const expected = [...items].map(() => constant);
      expectClose(items, expected, tolerance.value * Math.max(1, Math.abs(constant)));
    }
  });

  it('depends neither on the order of rows nor on that of answers within a row', () => {
    const reversed = rows().toReversed();
    const swapped = rows().map((group) => ({ ...group, answers: group.answers.toReversed() }));
    const before = evaluateLoss(chosen(), batch());
    expectSameValues(sortedItems(evaluateLoss(chosen(), raggedBatch(reversed))), sortedItems(before), tolerance);
    expectSameValues(sortedItems(evaluateLoss(chosen(), raggedBatch(swapped))), sortedItems(before), tolerance);
    if (isCoupled()) return;
    const ofGroups = (results: readonly EvaluatedResult[]) =>
      results.filter(({ unit }) => unit === 'group').map(({ items }) => items);
    const backwards = ofGroups(evaluateLoss(chosen(), raggedBatch(reversed))).map((items) => items.toReversed());
    expectSameValues(backwards, ofGroups(before), tolerance);
    expectSameValues(ofGroups(evaluateLoss(chosen(), raggedBatch(swapped))), ofGroups(before), tolerance);
  });

  it('adds up over microbatches, metrics and gradients too', () => {
    if (isCoupled()) return; // declared: its items depend on their batch
    const parts = [raggedBatch(rows().slice(0, 2)), raggedBatch(rows().slice(2))];
    const whole = evaluateLoss(chosen(), batch());
    const halves = parts.map((part) => evaluateLoss(chosen(), part));
    for (const [r, result] of whole.entries()) {
      expectClose(
        [sum(halves.flatMap((half) => [...half[r]!.items]))],
        [sum(result.items)],
        tolerance.value * largest(result.items) * 10,
      );
      for (const [name, metric] of Object.entries(result.metrics)) {
        const [first, second] = halves.map((half) => half[r]!.metrics[name]!);
        expect(first!.count + second!.count).toBe(metric.count);
        expectClose(
          [first!.sum + second!.sum],
          [metric.sum],
          tolerance.value * Math.max(10, 10 * Math.abs(metric.sum)),
        );
      }
    }
    const gradient = lossGradient(chosen(), batch(), 'sum');
    const gradients = parts.map((part) => lossGradient(chosen(), part, 'sum'));
    for (const side of ['logProb', 'promptLogProb'] as const) {
      const joined = gradients.flatMap((part) => [...part[side]]);
      expectClose(joined, gradient[side], tolerance.gradient * Math.max(largest(gradient.logProb), 1e-6));
    }
  });

  it('gives metrics as sums with counts', () => {
    for (const { metrics } of evaluateLoss(chosen(), batch())) {
      for (const { count } of Object.values(metrics)) {
        expect(Number.isInteger(count)).toBe(true);
        expect(count).toBeGreaterThan(0);
      }
    }
  });

  it('asks for all it uses and ignores what other terms asked for', () => {
    const alone = evaluateLoss(chosen(), batch()).map(({ items }) => items);
    const among = evaluateLoss(chosen(), batch(), everything).map(({ items }) => items);
    expect(among).toEqual(alone);
  });

  it("leaves the rows' weights to the engine", () => {
    if (isCoupled()) return; // may refuse unequal ones
    const weighted = raggedBatch(rows().map((group, g) => ({ ...group, weight: 1 + g })));
    const items = evaluateLoss(chosen(), weighted).map((result) => result.items);
    expect(items).toEqual(evaluateLoss(chosen(), batch()).map((result) => result.items));
  });

  it('leaves no tensor behind', () => {
    const run = () => lossGradient(chosen(), batch());
    run();
    const before = tf.memory().numTensors;
    run();
    evaluateLoss(chosen(), batch());
    expect(tf.memory().numTensors).toBe(before);
  });
}

const titleOf = ({ options }: LossCase) => (options === undefined ? 'its defaults' : JSON.stringify(options));

function parsed(loss: Loss, options: Readonly<Record<string, unknown>> = {}): never {
  if (loss.options === undefined) return options as never;
  const result = loss.options.safeParse(options);
  if (!result.success)
    throw new Error(result.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '));
  return result.data as never;
}

function expectFinite(chosen: ChosenLoss, batch: RaggedBatch): void {
  for (const { items, metrics } of evaluateLoss(chosen, batch)) {
    expect([...items].every(Number.isFinite), `items ${items.join(', ')}`).toBe(true);
    for (const [name, metric] of Object.entries(metrics)) expect(metric.sum, name).toSatisfy(Number.isFinite);
  }
  const { logProb, promptLogProb } = lossGradient(chosen, batch);
  expect([...logProb, ...promptLogProb].every(Number.isFinite), `gradient ${logProb.join(', ')}`).toBe(true);
}

/** Central differences of the mean loss, [S] then [P]; exact in steps of 2⁻⁶ up to the loss's own float32. */
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

const sortedItems = (results: readonly EvaluatedResult[]) => results.map(({ items }) => items.toSorted());

function expectSameValues(
  got: readonly ArrayLike<number>[],
  expected: readonly ArrayLike<number>[],
  { value }: Tolerance,
): void {
  expect(got.length).toBe(expected.length);
  for (const [r, values] of expected.entries()) expectClose(got[r]!, values, value * Math.max(1, largest(values)));
}

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  expect(got.length).toBe(expected.length);
  const worst = Array.from(expected, (value, i) => Math.abs(got[i]! - value)).reduce((a, b) => Math.max(a, b), 0);
  const message = `got ${Array.from(got).join(', ')}\nexpected ${Array.from(expected).join(', ')}`;
  expect(worst, message).toBeLessThanOrEqual(tolerance);
}

const sum = (values: ArrayLike<number>) => Array.from(values).reduce((total, value) => total + value, 0);
const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
