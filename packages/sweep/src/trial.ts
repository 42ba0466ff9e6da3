// SPDX-License-Identifier: Apache-2.0
import type { Distribution, Scalar } from './distribution.js';

/** Optuna's states of a trial, by their numbers. */
export const states = ['running', 'complete', 'pruned', 'failed', 'waiting'] as const;
export type TrialState = (typeof states)[number];
export type Direction = 'minimize' | 'maximize';

export interface Trial {
  readonly number: number;
  readonly state: TrialState;
  readonly params: Readonly<Record<string, Scalar>>;
  readonly distributions: Readonly<Record<string, Distribution>>;
  /** What came out; null before. */
  readonly value: number | null;
  /** The metric by step. */
  readonly intermediate: ReadonlyMap<number, number>;
  /** The metric at each rung of a pruner that the trial has reached. */
  readonly rungs: readonly number[];
  /** Further facts, such as the trial's folder. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly started: string | null;
  readonly ended: string | null;
}

/** Has the comparison of two values put the better one first. */
export const better =
  (direction: Direction) =>
  (one: number, other: number): number =>
    direction === 'minimize' ? one - other : other - one;

/** The best of the complete trials; null: none has ended. */
export function bestOf(trials: readonly Trial[], direction: Direction): Trial | null {
  const complete = trials.filter(({ state, value }) => state === 'complete' && value !== null);
  const order = better(direction);
  return complete.toSorted((one, other) => order(one.value!, other.value!))[0] ?? null;
}
