// SPDX-License-Identifier: Apache-2.0
/** Where a parameter's values lie, as Optuna 5 has it (optuna/distributions.py), so that trials can be kept in its form. */

export type Scalar = string | number | boolean | null;

export interface FloatRange {
  readonly kind: 'float';
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  /** Distance of the values there are; null: any. */
  readonly step: number | null;
}
export interface IntRange {
  readonly kind: 'int';
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly step: number;
}
export interface Choices {
  readonly kind: 'choice';
  readonly choices: readonly Scalar[];
}
export type Distribution = FloatRange | IntRange | Choices;

/** Nothing to search: one value only. */
export const isSingle = (distribution: Distribution): boolean =>
  distribution.kind === 'choice' ? distribution.choices.length === 1 : distribution.low === distribution.high;

/** A value as samplers compute with it: numbers as they are, a choice by its place. */
export const toInternal = (distribution: Distribution, value: Scalar): number =>
  distribution.kind === 'choice' ? distribution.choices.indexOf(value) : Number(value);

export const toExternal = (distribution: Distribution, internal: number): Scalar =>
  distribution.kind === 'choice' ? distribution.choices[internal]! : internal;

/** The nearest value that there is. */
export function snapped({ low, high, step }: FloatRange | IntRange, value: number): number {
  const near = step === null ? value : low + Math.round((value - low) / step) * step;
  // 0.1 + 2 · 0.1 is no 0.3: as many decimals as the step has
  const decimals = step === null || Number.isInteger(step) ? null : (String(step).split('.')[1]?.length ?? 12);
  const clean = decimals === null ? near : Number(near.toFixed(decimals));
  return Math.min(Math.max(clean, low), high);
}

const names = { float: 'FloatDistribution', int: 'IntDistribution', choice: 'CategoricalDistribution' } as const;

/** Optuna's JSON of a distribution. */
export const distributionJson = (distribution: Distribution): string => {
  const { kind, ...attributes } = distribution;
  return JSON.stringify({ name: names[kind], attributes });
};

/** @throws Error for a distribution that Optuna has and this package has not */
export function distributionOf(json: string): Distribution {
  const { name, attributes } = JSON.parse(json) as { name: string; attributes: object };
  const [kind] = Object.entries(names).find(([, theirs]) => theirs === name) ?? [];
  if (kind === undefined) throw new Error(`no distribution ${name} here; ${Object.values(names).join(', ')}`);
  return { kind, ...attributes } as Distribution;
}
