// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { chooseLoss, describeLoss, evaluateLoss, lossGradient, raggedBatch, type GroupData } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import algoReward, { rewardLoss, rewardOptions, rewardStage } from './index.js';

const order = { anyOrder: 'the order of the answers is the ranking' };
const extremes = { anyMicrobatch: 'min_reward and max_reward are those of a batch, averaged over batches as in TRL' };
describeLoss(
  rewardLoss,
  [{}, { variant: 'pairwise', centerCoefficient: 0.1 }, { variant: 'rrhf' }].map((options) => ({
    options,
    except: { ...order, ...extremes },
  })),
);

/** One token an answer, whose log-prob stands for its score: see `lossInputsOf` of testkit. */
const group = (scores: readonly number[], gap = 0): GroupData => ({
  prompt: [],
  answers: scores.map((score) => ({ role: 'response', policy: [score], reference: [0] })),
  extras: { gap },
});
const evaluate = (groups: readonly GroupData[], options = {}) =>
  evaluateLoss(chooseLoss(rewardLoss, options), raggedBatch(groups))[0]!;
const meansOf = (groups: readonly GroupData[]) =>
  Object.fromEntries(Object.entries(evaluate(groups).metrics).map(([name, { sum, count }]) => [name, sum / count]));

describe('the loss of rankings', () => {
  interface Case {
    readonly inputs: string;
    readonly options: Readonly<Record<string, unknown>>;
    readonly source: string;
    readonly loss: number;
    readonly items: readonly number[];
    readonly gradient: readonly (readonly number[])[];
    readonly metrics: Readonly<Record<string, number>>;
  }
  interface Fixture {
    readonly inputs: Readonly<Record<string, readonly { readonly scores: readonly number[]; readonly gap: number }[]>>;
    readonly cases: readonly Case[];
  }
  const fixture = JSON.parse(readFileSync(new URL('../fixtures/reward.json', import.meta.url), 'utf8')) as Fixture;

  it('has 32 cases', () => expect(fixture.cases).toHaveLength(32));

  it.each(fixture.cases)('equals its oracle: $inputs, $options ($source)', ({ inputs, options, ...expected }) => {
    const groups = fixture.inputs[inputs]!.map(({ scores, gap }) => group(scores, gap));
    const { items, metrics } = evaluate(groups, options);
    for (const [g, item] of expected.items.entries())
      expect(Math.abs(items[g]! - item) / Math.max(1, item)).toBeLessThan(1e-6);
    const { logProb } = lossGradient(chooseLoss(rewardLoss, options), raggedBatch(groups));
    for (const [at, slope] of expected.gradient.flat().entries())
      expect(Math.abs(logProb[at]! - slope)).toBeLessThan(1e-6);
    for (const [name, value] of Object.entries(expected.metrics))
      expect(metrics[name]!.sum / metrics[name]!.count, name).toBeCloseTo(value, 4);
  });

  it.each(['plackett-luce', 'pairwise'])('%s of two answers is Bradley–Terry, to the bit', (variant) => {
    const pairs = [group([0.3, -1.7]), group([-2, 5]), group([40, -60])];
    const alone = evaluate(pairs, { variant }).items;
    expect(alone).toEqual(evaluate(pairs).items);
    const among = evaluate([...pairs, group([3, 2, 1, 0])], { variant }).items; // beside a longer ranking too
    expect(among.slice(0, 3)).toEqual(alone);
  });

  it('is log k! of k equal scores, by Plackett and Luce', () => {
    expect(evaluate([group([1, 1, 1, 1])]).items[0]).toBeCloseTo(Math.log(24), 6);
  });
});

describe('the metrics of rankings', () => {
  it('count pairs in the right order and their lead', () => {
    // s = 3, 1, 2: two of three pairs are right; leads 2, 1, −1.
    expect(meansOf([group([3, 1, 2])])).toMatchObject({ accuracy: expect.closeTo(2 / 3, 6) as number });
    expect(meansOf([group([3, 1, 2])])['margin']).toBeCloseTo(2 / 3, 6);
    expect(meansOf([group([3, 1, 2])])['kendall_tau']).toBeCloseTo(1 / 3, 6);
  });

  it('give τ for rankings of more than two alone, and no tie as right', () => {
    expect(meansOf([group([1, 0])])).not.toHaveProperty('kendall_tau');
    expect(meansOf([group([1, 0]), group([2, 1, 0])])['kendall_tau']).toBe(1);
    expect(meansOf([group([1, 1])])['accuracy']).toBe(0);
  });
});

describe('a reward model is refused', () => {
  it('a margin on rankings of more than two', () => {
    expect(() => evaluate([group([2, 1, 0], 1)], { margin: 'gap' })).toThrow('LLMF_ALGO_REWARD_MARGIN_OF_RANKING');
  });
  it('rows that compare nothing', () => {
    expect(() => evaluate([group([1])])).toThrow('LLMF_ALGO_REWARD_NOT_RANKED');
  });
  it.each([{ variant: 'listmle' }, { centerCoefficient: -1 }, { marginColumn: 'gap' }])('option %j', (options) => {
    expect(rewardOptions.safeParse(options).success).toBe(false);
  });
});

describe('the plugin', () => {
  it('brings one loss and one stage', () => {
    const provided: unknown[] = [];
    algoReward().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) } as never);
    expect(provided).toEqual([rewardLoss, rewardStage]);
  });
});
