// SPDX-License-Identifier: Apache-2.0
/** How much of the differences between trials goes with each parameter by itself. */
import type { Trial } from './trial.js';

/**
 * By parameter, the share of the variance of the ranks of trials' values that its own ranks explain: Spearman's ρ² for
 * numbers, the correlation ratio η² for choices; 0 to 1 each, not adding up to 1. Trials that were stopped count with the
 * value they had. Fewer than three values: none.
 */
export function importances(trials: readonly Trial[]): Record<string, number> {
  const valued = trials.filter(({ value, state }) => value !== null && !Number.isNaN(value) && state !== 'failed');
  if (valued.length < 3) return {};
  const names = Object.keys(valued[0]!.params).filter((name) => valued.every(({ params }) => name in params));
  const ranks = ranksOf(valued.map(({ value }) => value!));
  return Object.fromEntries(
    names.map((name) => {
      const isChoice = valued[0]!.distributions[name]?.kind === 'choice';
      const values = valued.map(({ params }) => params[name]!);
      return [name, isChoice ? correlationRatio(values, ranks) : correlation(ranksOf(values as number[]), ranks) ** 2];
    }),
  );
}

/** Places from 1; equal values share the mean of theirs. */
function ranksOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((one, other) => one - other);
  return values.map((value) => (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1);
}

function correlation(xs: readonly number[], ys: readonly number[]): number {
  const [mx, my] = [mean(xs), mean(ys)];
  const sum = (of: (at: number) => number) => xs.reduce((total, _, at) => total + of(at), 0);
  const covariance = sum((at) => (xs[at]! - mx) * (ys[at]! - my));
  const spread = Math.sqrt(sum((at) => (xs[at]! - mx) ** 2) * sum((at) => (ys[at]! - my) ** 2));
  return spread === 0 ? 0 : covariance / spread;
}

function correlationRatio(groups: readonly unknown[], ys: readonly number[]): number {
  const overall = mean(ys);
  const total = ys.reduce((sum, y) => sum + (y - overall) ** 2, 0);
  if (total === 0) return 0;
  const between = [...new Set(groups)].reduce<number>((sum, group) => {
    const own = ys.filter((_, at) => groups[at] === group);
    return sum + own.length * (mean(own) - overall) ** 2;
  }, 0);
  return between / total;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
