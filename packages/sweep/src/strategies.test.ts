// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Draws } from './draws.js';
import { combinations, gridSampler, randomSampler, withGrid } from './sampler.js';
import { spaceOf, strategyNames, type Space } from './strategies.js';

const space = (name: string, values: readonly unknown[]) => spaceOf(name, values) as Space;
const values = (name: string, given: readonly unknown[], count = 400): number[] =>
  Array.from({ length: count }, (_, number) => {
    const asked = { number, space: { x: space(name, given) }, trials: [], direction: 'minimize' } as const;
    return randomSampler.params({ ...asked, draws: new Draws(1, number) })['x'] as number;
  });
const distinct = (all: readonly unknown[]) => [...new Set(all)].toSorted();

describe('trlX’s strategies', () => {
  it('are all there', () => {
    expect(strategyNames).toEqual(
      'uniform quniform loguniform qloguniform randn qrandn randint qrandint lograndint qlograndint choice grid'.split(
        ' ',
      ),
    );
  });

  it.each([
    ['uniform', [2, 3], 2, 3],
    ['loguniform', [1e-6, 1e-3], 1e-6, 1e-3],
    ['lograndint', [1, 100], 1, 99],
  ])('%s lies between its bounds and reaches into both halves', (name, given, low, high) => {
    const all = values(name, given);
    const isLog = name.startsWith('log');
    const middle = isLog ? Math.sqrt(low * high) : (low + high) / 2;
    expect(Math.min(...all)).toBeGreaterThanOrEqual(low);
    expect(Math.max(...all)).toBeLessThanOrEqual(high);
    const below = all.filter((value) => value < middle).length;
    expect(below).toBeGreaterThan(140); // of 400, 200 expected; 6 deviations of 10
    expect(below).toBeLessThan(260);
  });

  it.each<[string, readonly unknown[], readonly unknown[]]>([
    ['quniform', [0, 1, 0.25], [0, 0.25, 0.5, 0.75, 1]],
    ['randint', [3, 6], [3, 4, 5]], // the upper bound is not included
    ['qrandint', [2, 10, 4], [10, 2, 6]],
    ['qlograndint', [4, 16, 4], [12, 16, 4, 8]],
    ['qloguniform', [0.1, 0.4, 0.1], [0.1, 0.2, 0.3, 0.4]],
    ['choice', ['a', null, true], ['a', null, true]],
  ])('%s %j has these values alone', (name, given, expected) => {
    expect(distinct(values(name, given))).toEqual([...expected].toSorted());
  });

  it('randn has its mean and deviation, qrandn its multiples', () => {
    const all = values('randn', [5, 2], 4000);
    const mean = all.reduce((sum, value) => sum + value, 0) / all.length;
    expect(Math.abs(mean - 5)).toBeLessThan(0.16); // five standard errors of 2 / √4000
    const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / all.length;
    expect(Math.abs(variance - 4)).toBeLessThan(0.5);
    expect(values('qrandn', [0, 1, 0.5]).every((value) => Number.isInteger(value * 2))).toBe(true);
  });

  it.each([
    ['uniform', [1], 'uniform takes [low, high]'],
    ['uniform', [2, 1], 'the lower bound is above'],
    ['loguniform', [0, 1], 'a logarithm needs bounds above 0'],
    ['quniform', [0, 1, 0], 'q must be above 0'],
    ['randint', [0.5, 2], 'must be integers'],
    ['choice', [], 'nothing to choose from'],
    ['normal', [0, 1], 'no strategy normal; uniform'],
  ])('%s %j: %s', (name, given, problem) => {
    expect(spaceOf(name, given)).toContain(problem);
  });
});

describe('a grid', () => {
  const grid = { a: space('grid', [1, 2]), b: space('grid', ['x', 'y', 'z']) };

  it('walks through every combination once', () => {
    const asked = (number: number) =>
      ({ number, space: grid, trials: [], direction: 'minimize', draws: new Draws(1, number) }) as const;
    const walked = [0, 1, 2, 3, 4, 5].map((number) => gridSampler.params(asked(number)));
    expect(walked).toEqual(combinations(grid));
    expect(new Set(walked.map((each) => JSON.stringify(each))).size).toBe(6);
    expect(gridSampler.params(asked(6))).toEqual(walked[0]);
  });

  it('goes beside parameters that are drawn', () => {
    const mixed = { a: grid.a, x: space('uniform', [0, 1]) };
    const sampler = withGrid(randomSampler);
    const params = [0, 1, 2].map((number) =>
      sampler.params({ number, space: mixed, trials: [], direction: 'minimize', draws: new Draws(1, number) }),
    );
    expect(params.map(({ a }) => a)).toEqual([1, 2, 1]);
    expect(new Set(params.map(({ x }) => x)).size).toBe(3);
  });
});

it('draws of a trial do not depend on the others', () => {
  expect(new Draws(7, 3).uniforms('x', 4)).toEqual(new Draws(7, 3).uniforms('x', 4));
  expect(new Draws(7, 3).uniform('x')).not.toBe(new Draws(7, 4).uniform('x'));
  expect(new Draws(7, 3).uniform('x')).not.toBe(new Draws(8, 3).uniform('x'));
});
