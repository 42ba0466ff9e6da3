// SPDX-License-Identifier: Apache-2.0
import { snapped, type Distribution, type Scalar } from './distribution.js';
import type { Draws } from './draws.js';
import { inverseNormal } from './tpe/normal.js';
import type { Space } from './strategies.js';
import type { Direction, Trial } from './trial.js';

export type Params = Readonly<Record<string, Scalar>>;

/** What a sampler sees when it is asked for the parameters of the next trial. */
export interface Asked {
  readonly number: number;
  readonly space: Readonly<Record<string, Space>>;
  /** All trials so far, by number. */
  readonly trials: readonly Trial[];
  readonly direction: Direction;
  readonly draws: Draws;
}

export interface Sampler {
  params(asked: Asked): Params;
}

/** A value of a space from a number in [0, 1). */
export function drawn({ distribution, normal, multiple }: Space, uniform: number): Scalar {
  if (distribution.kind === 'choice') return distribution.choices[Math.floor(uniform * distribution.choices.length)]!;
  if (normal !== null) {
    const value = normal.mean + normal.deviation * inverseNormal(Math.max(uniform, 2 ** -54));
    return rounded(distribution, multiple, value);
  }
  return rounded(distribution, multiple, quantile(distribution, uniform));
}

/** As Optuna's random sampler: a stepped range reaches half a step beyond its ends, so that these are as likely. */
function quantile({ low, high, log, step, kind }: Exclude<Distribution, { kind: 'choice' }>, uniform: number): number {
  const half = kind === 'int' && log ? 0.5 : (step ?? 0) / 2;
  const [from, to] = [low - half, high + half];
  return log ? Math.exp(Math.log(from) + uniform * (Math.log(to) - Math.log(from))) : from + uniform * (to - from);
}

/** The nearest value that there is, also of a space whose distribution cannot say its step. */
export function rounded(
  distribution: Exclude<Distribution, { kind: 'choice' }>,
  multiple: number | null,
  value: number,
): number {
  const near = snapped(distribution, value);
  if (multiple === null) return near;
  const decimals = String(multiple).split('.')[1]?.length ?? 0;
  const { low, high } = distribution;
  const [least, most] = [Math.ceil(low / multiple - 1e-9), Math.floor(high / multiple + 1e-9)];
  const count = Math.min(Math.max(Math.round(near / multiple), least), most);
  return Number((count * multiple).toFixed(decimals));
}

/** Every parameter by itself. */
export const randomSampler: Sampler = {
  params: ({ space, draws }) =>
    Object.fromEntries(Object.entries(space).map(([name, each]) => [name, drawn(each, draws.uniform(name))])),
};

/** Combinations of all values of `choice` and `grid` parameters, the last one changing fastest. */
export function combinations(space: Readonly<Record<string, Space>>): Params[] {
  return Object.entries(space).reduce<Params[]>(
    (before, [name, { distribution }]) => {
      const values = distribution.kind === 'choice' ? distribution.choices : [];
      return before.flatMap((params) => values.map((value) => ({ ...params, [name]: value })));
    },
    [{}],
  );
}

/** The combination of a trial's place; every space must be a choice. */
export const gridSampler: Sampler = {
  params: ({ space, number }) => {
    const all = combinations(space);
    return all[number % all.length]!;
  },
};

/** Parameters that are walked through and the rest, drawn by another sampler. */
export function withGrid(sampler: Sampler): Sampler {
  return {
    params(asked) {
      const entries = Object.entries(asked.space);
      const grid = Object.fromEntries(entries.filter(([, { isGrid }]) => isGrid));
      const rest = Object.fromEntries(entries.filter(([, { isGrid }]) => !isGrid));
      if (Object.keys(grid).length === 0) return sampler.params(asked);
      const walked = gridSampler.params({ ...asked, space: grid });
      const found = Object.keys(rest).length === 0 ? {} : sampler.params({ ...asked, space: rest });
      return Object.fromEntries(entries.map(([name]) => [name, (walked[name] ?? found[name]) as Scalar]));
    },
  };
}
