// SPDX-License-Identifier: Apache-2.0
/**
 * Ways to say where a parameter's values lie: trlX's strategies, which are Ray Tune's (trlx/sweep.py; ray/tune/search/sample.py):
 * bounds are both included but for integers without a q, whose upper one is not.
 */
import type { Distribution, Scalar } from './distribution.js';

export interface Space {
  readonly distribution: Distribution;
  /** Values are multiples of it, where the distribution itself has no such step (a logarithmic one). */
  readonly multiple: number | null;
  /** Drawn from a normal distribution; the distribution's ends lie six deviations away. */
  readonly normal: { readonly mean: number; readonly deviation: number } | null;
  /** Every value is tried with everything else. */
  readonly isGrid: boolean;
}

type Numbers = readonly number[];
interface Strategy {
  /** Numbers it takes, by name; the last may be left out where it ends in ?. */
  readonly takes: readonly string[];
  space(values: Numbers): Partial<Space> & { readonly distribution: Distribution };
}

const float = (low: number, high: number, log = false, step: number | null = null): Distribution => ({
  kind: 'float',
  low,
  high,
  log,
  step,
});
const int = (low: number, high: number, log = false, step = 1): Distribution => ({ kind: 'int', low, high, log, step });
/** The greatest value that steps of q reach. */
const reached = (low: number, high: number, q: number) => low + Math.floor((high - low) / q + 1e-9) * q;
const farOff = 6;

const strategies: Readonly<Record<string, Strategy>> = {
  uniform: { takes: ['low', 'high'], space: ([a, b]) => ({ distribution: float(a!, b!) }) },
  quniform: {
    takes: ['low', 'high', 'q'],
    space: ([a, b, q]) => ({ distribution: float(a!, reached(a!, b!, q!), false, q!) }),
  },
  loguniform: { takes: ['low', 'high', 'base?'], space: ([a, b]) => ({ distribution: float(a!, b!, true) }) },
  qloguniform: {
    takes: ['low', 'high', 'q', 'base?'],
    space: ([a, b, q]) => ({ distribution: float(a!, b!, true), multiple: q! }),
  },
  randn: { takes: ['mean', 'deviation'], space: ([mean, deviation]) => normal(mean!, deviation!, null) },
  qrandn: { takes: ['mean', 'deviation', 'q'], space: ([mean, deviation, q]) => normal(mean!, deviation!, q!) },
  randint: { takes: ['low', 'high'], space: ([a, b]) => ({ distribution: int(a!, b! - 1) }) },
  qrandint: {
    takes: ['low', 'high', 'q'],
    space: ([a, b, q]) => ({ distribution: int(a!, reached(a!, b!, q!), false, q!) }),
  },
  lograndint: { takes: ['low', 'high', 'base?'], space: ([a, b]) => ({ distribution: int(a!, b! - 1, true) }) },
  qlograndint: {
    takes: ['low', 'high', 'q', 'base?'],
    space: ([a, b, q]) => ({ distribution: int(a!, b!, true), multiple: q! }),
  },
};

function normal(mean: number, deviation: number, multiple: number | null) {
  const distribution = float(mean - farOff * deviation, mean + farOff * deviation);
  return { distribution, normal: { mean, deviation }, multiple };
}

export const strategyNames: readonly string[] = [...Object.keys(strategies), 'choice', 'grid'];

/** What a strategy amounts to; a text says what is wrong with it. */
export function spaceOf(name: string, values: readonly unknown[]): Space | string {
  const usual = { multiple: null, normal: null, isGrid: false };
  if (name === 'choice' || name === 'grid') {
    if (values.length === 0) return 'there is nothing to choose from';
    return { ...usual, distribution: { kind: 'choice', choices: values as Scalar[] }, isGrid: name === 'grid' };
  }
  const strategy = strategies[name];
  if (strategy === undefined) return `no strategy ${name}; ${strategyNames.join(', ')}`;
  const { takes } = strategy;
  const least = takes.filter((each) => !each.endsWith('?')).length;
  const numbers = values.map(Number);
  const isRight = numbers.length >= least && numbers.length <= takes.length && numbers.every(Number.isFinite);
  if (!isRight) return `${name} takes [${takes.join(', ')}]`;
  const space = { ...usual, ...strategy.space(numbers) };
  const problem = problemOf(space.distribution);
  return problem === null ? space : `${name} [${values.join(', ')}]: ${problem}`;
}

function problemOf(distribution: Distribution): string | null {
  if (distribution.kind === 'choice') return null;
  const { kind, low, high, log, step } = distribution;
  if (low > high) return 'the lower bound is above the upper one';
  if (log && low <= 0) return 'a logarithm needs bounds above 0';
  if (step !== null && !(step > 0)) return 'q must be above 0';
  if (kind === 'int' && ![low, high, step].every(Number.isInteger)) return 'bounds of integers must be integers';
  return null;
}
