// SPDX-License-Identifier: Apache-2.0
import type { StepFacts } from './health-rule.js';

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** A metric over the last `count` steps; null where fewer have it. */
export function lastOf(steps: readonly StepFacts[], metric: string, count: number): number[] | null {
  const values = steps.slice(-count).flatMap(({ metrics }) => metrics[metric] ?? []);
  return values.length === count ? values : null;
}

/** Means of a metric over the first and the last `count` steps; null before these are apart. */
export function fromTo(
  steps: readonly StepFacts[],
  metric: string,
  count: number,
): { readonly from: number; readonly to: number } | null {
  const first = lastOf(steps.slice(0, count), metric, count);
  const last = lastOf(steps, metric, count);
  return steps.length < 2 * count || first === null || last === null ? null : { from: mean(first), to: mean(last) };
}

/** Pearson's; 0 where one of both does not vary. */
export function correlation(pairs: readonly (readonly [number, number])[]): number {
  const [x, y] = [mean(pairs.map(([a]) => a)), mean(pairs.map(([, b]) => b))];
  const sum = (value: (a: number, b: number) => number) =>
    pairs.reduce((total, [a, b]) => total + value(a - x, b - y), 0);
  const spread = Math.sqrt(sum((a) => a * a) * sum((_, b) => b * b));
  return spread === 0 ? 0 : sum((a, b) => a * b) / spread;
}
