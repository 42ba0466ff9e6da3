// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import {
  chooseLoss,
  describeLoss,
  describeLossOracle,
  evaluateLoss,
  lossGradient,
  raggedBatch,
  type AnswerData,
  type GroupData,
} from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import lossKto, { ktoLoss, ktoOptions } from './index.js';

const constantDivergence = {
  finiteDifferences: 'the estimate of the divergence is a constant, so differences see more',
};
const marginOfMeans = { anyMicrobatch: 'rewards/margins is a difference of means, averaged over batches as in TRL' };

describeLoss(ktoLoss, [
  { except: constantDivergence },
  { options: { beta: 0.5, desirableWeight: 1.33 }, except: constantDivergence },
  { options: { variant: 'apo_zero_unpaired' }, except: marginOfMeans },
]);

const fixture = new URL('../fixtures/kto.json', import.meta.url);
describeLossOracle(ktoLoss, fixture, 20);

const flat = (value: number): Omit<AnswerData, 'role'> => ({ policy: [value, -1], reference: [-1, -1] });
const row = (role: 'desirable' | 'undesirable', own: number, foreign: number): GroupData => ({
  prompt: [],
  answers: [
    { role, ...flat(own) },
    { role: 'mismatched', ...flat(foreign) },
  ],
});
const evaluate = (rows: readonly GroupData[], options = {}) =>
  evaluateLoss(chooseLoss(ktoLoss, options), raggedBatch(rows))[0]!;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

describe('kto', () => {
  // ℓ is 2 for the good, −1 for the bad row; z = mean(1, 2) = 1.5; β = 0.1.
  const rows = [row('desirable', 1, 0), row('undesirable', -2, 1)];

  it('is 1 − σ(β(ℓ − z)) for a good and 1 − σ(β(z − ℓ)) for a bad answer in a case worked by hand', () => {
    const { items } = evaluate(rows, { desirableWeight: 2, undesirableWeight: 3 });
    expect(items[0]).toBeCloseTo(2 * (1 - sigmoid(0.1 * (2 - 1.5))), 6);
    expect(items[1]).toBeCloseTo(3 * (1 - sigmoid(0.1 * (1.5 + 1))), 6);
  });

  it('takes a negative estimate for 0, as no divergence is negative', () => {
    const { items, metrics } = evaluate([row('desirable', 1, -5), row('undesirable', -2, -5)]);
    expect(metrics['kl']).toEqual({ sum: 0, count: 1 });
    expect(items[0]).toBeCloseTo(1 - sigmoid(0.2), 6);
  });

  it('gives the other rows’ answers no gradient', () => {
    const { logProb } = lossGradient(chooseLoss(ktoLoss, {}), raggedBatch(rows));
    expect([...logProb].map((value) => value !== 0)).toEqual([true, true, false, false, true, true, false, false]);
    expect(logProb[0]).toBeLessThan(0); // the good answer is raised
    expect(logProb[4]).toBeGreaterThan(0);
  });

  it('leaves the divergence out with apo_zero_unpaired', () => {
    const { items, metrics } = evaluate(rows, { variant: 'apo_zero_unpaired' });
    expect(items[0]).toBeCloseTo(1 - sigmoid(0.2), 6);
    expect(items[1]).toBeCloseTo(sigmoid(-0.1), 6);
    expect(metrics).not.toHaveProperty('kl');
  });

  it('is half the weight at the reference, where the weights are equal', () => {
    const at = (options: object) => ktoLoss.atReference(ktoOptions.parse(options));
    expect(at({})).toBe(0.5);
    expect(at({ desirableWeight: 2, undesirableWeight: 2 })).toBe(1);
    expect(at({ desirableWeight: 2 })).toBeNull();
  });

  it('refuses rows without a label', () => {
    const pair = { prompt: [], answers: [{ role: 'chosen', ...flat(0) } as const] };
    expect(() => evaluate([pair])).toThrow('LLMF_LOSS_KTO_NOT_LABELLED');
  });
});

describe('the metrics of kto', () => {
  interface Case {
    readonly inputs: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly metrics: Readonly<Record<string, number>>;
  }
  type Row = { readonly prompt: readonly number[] } & Readonly<Record<string, Omit<AnswerData, 'role'>>>;
  const { inputs, cases } = JSON.parse(readFileSync(fixture, 'utf8')) as {
    readonly inputs: Readonly<Record<string, readonly Row[]>>;
    readonly cases: readonly Case[];
  };

  it.each(cases)('are those of TRL: $inputs, $options', ({ inputs: name, options, metrics: expected }) => {
    const groups = inputs[name]!.map(({ prompt, ...answers }) => ({
      prompt,
      answers: Object.entries(answers).map(([role, answer]) => ({ role, ...answer }) as AnswerData),
    }));
    const got = Object.entries(evaluate(groups, options).metrics).map(([key, { sum, count }]) => [key, sum / count]);
    const known = Object.entries(expected).filter(([key]) => key !== 'kl' || 'kl' in evaluate(groups, options).metrics);
    expect(got.map(([key]) => key).toSorted()).toEqual(known.map(([key]) => key).toSorted());
    for (const [key, value] of got) expect(value, String(key)).toBeCloseTo(expected[String(key)]!, 4);
  });
});

describe('the plugin', () => {
  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossKto().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([ktoLoss]);
  });
});
