// SPDX-License-Identifier: Apache-2.0
/**
 * The tree-structured Parzen estimator: Bergstra et al., "Algorithms for hyper-parameter optimization", NeurIPS 2011, in the
 * form of Optuna 5's TPESampler by its defaults: all parameters together (multivariate), trials that still run counted
 * among the worse (constant liar), stopped ones behind the complete. Of 24 values drawn from the density over the better
 * trials, the one with the largest ratio of both densities.
 */
import { isSingle, toExternal, toInternal, type Distribution } from '../distribution.js';
import { randomSampler, rounded, type Asked, type Params, type Sampler } from '../sampler.js';
import { better, type Direction, type Trial } from '../trial.js';
import { Parzen } from './parzen.js';

export interface TpeOptions {
  /** Trials that are drawn at random first. */
  readonly startupTrials: number;
  readonly candidates: number;
}
export const tpeDefaults: TpeOptions = { startupTrials: 10, candidates: 24 };

export function tpeSampler({ startupTrials, candidates }: TpeOptions = tpeDefaults): Sampler {
  return {
    params(asked) {
      const ended = asked.trials.filter(({ state }) => state === 'complete' || state === 'pruned').length;
      const first = randomSampler.params(asked);
      if (ended < startupTrials) return first;
      return { ...first, ...searched(asked, candidates) };
    },
  };
}

function searched({ space, trials, direction, draws, number }: Asked, candidates: number): Params {
  const searchedSpace = Object.entries(space).flatMap(([name, { distribution }]) =>
    isSingle(distribution) ? [] : [[name, distribution] as const],
  );
  if (searchedSpace.length === 0) return {};
  const others = trials.filter((trial) => trial.number !== number);
  const { below, above } = split(others, direction);
  const densities = [below, above].map((each) => new Parzen(searchedSpace, observedIn(each, searchedSpace)));
  const drawn = densities[0]!.sample(candidates, (site, count) => draws.uniforms(`tpe ${site}`, count));
  const scores = drawn.map((values) => densities[0]!.logDensity(values) - densities[1]!.logDensity(values));
  const best = drawn[scores.indexOf(Math.max(...scores))]!;
  return Object.fromEntries(
    searchedSpace.map(([name, distribution], at) => {
      const value = best[at]!;
      const isNumber = distribution.kind !== 'choice';
      return [name, isNumber ? rounded(distribution, space[name]!.multiple, value) : toExternal(distribution, value)];
    }),
  );
}

/** Trials that have every parameter of the space, in internal form. */
const observedIn = (trials: readonly Trial[], space: readonly (readonly [string, Distribution])[]): number[][] =>
  trials
    .filter(({ params }) => space.every(([name]) => name in params))
    .map(({ params }) => space.map(([name, distribution]) => toInternal(distribution, params[name]!)));

/** The better trials, ⌈a tenth⌉ of the ended ones and 25 at most, and the others; each by number (_split_trials). */
export function split(trials: readonly Trial[], direction: Direction): { below: Trial[]; above: Trial[] } {
  const order = better(direction);
  const complete = trials
    .filter(({ state }) => state === 'complete')
    .toSorted((one, other) => order(one.value!, other.value!));
  const pruned = trials.filter(({ state }) => state === 'pruned').toSorted(byPlaceWhereStopped(direction));
  const running = trials.filter(({ state }) => state === 'running');
  const count = Math.min(Math.ceil(0.1 * (complete.length + pruned.length)), 25);
  const ranked = [...complete, ...pruned];
  const byNumber = (one: Trial, other: Trial) => one.number - other.number;
  return {
    below: ranked.slice(0, count).toSorted(byNumber),
    above: [...ranked.slice(count), ...running].toSorted(byNumber),
  };
}

/** Who came further first; of those at one step the better value. */
const byPlaceWhereStopped =
  (direction: Direction) =>
  (one: Trial, other: Trial): number => {
    const [a, b] = [lastOf(one), lastOf(other)];
    if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
    if (a.step !== b.step) return b.step - a.step;
    if (Number.isNaN(a.value) || Number.isNaN(b.value))
      return Number(Number.isNaN(a.value)) - Number(Number.isNaN(b.value));
    return better(direction)(a.value, b.value);
  };

function lastOf({ intermediate }: Trial): { step: number; value: number } | null {
  const steps = [...intermediate.keys()];
  if (steps.length === 0) return null;
  const step = Math.max(...steps);
  return { step, value: intermediate.get(step)! };
}
