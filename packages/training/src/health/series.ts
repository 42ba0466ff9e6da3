// SPDX-License-Identifier: Apache-2.0
import type { ObservedStep } from './health-rule.js';

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** A metric over the last `count` steps; null where fewer have it. */
export function lastOf(steps: readonly ObservedStep[], metric: string, count: number): number[] | null {
  const values = steps.slice(-count).flatMap(({ metrics }) => metrics[metric] ?? []);
  return values.length === count ? values : null;
}

/** Means of a metric over the first and the last `count` steps; null before these are apart. */
export function fromTo(
  steps: readonly ObservedStep[],
  metric: string,
  count: number,
): { readonly from: number; readonly to: number } | null {
  const first = lastOf(steps.slice(0, count), metric, count);
  const last = lastOf(steps, metric, count);
  return steps.length < 2 * count || first === null || last === null ? null : { from: mean(first), to: mean(last) };
}
