// SPDX-License-Identifier: Apache-2.0
/**
 * Asynchronous successive halving: Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020, as Optuna's
 * SuccessiveHalvingPruner has it: at step r·ηᵏ⁺ˢ a trial goes on if its value is among the best 1/η of all that came there.
 */
import { better, type Direction, type Trial } from './trial.js';

export interface AshaOptions {
  /** r: steps before the first decision. */
  readonly minimumSteps: number;
  /** η: one in so many goes on. */
  readonly reductionFactor: number;
  /** s: rungs that are left out at the beginning. */
  readonly earlyStoppingRate: number;
}

export interface Decision {
  readonly isStopped: boolean;
  /** Values at rungs that were reached now, in order. */
  readonly reached: readonly number[];
}

/** Whether a trial ends at its newest step. @param trials all, with the values at their rungs; the trial's own too */
export function ashaDecision(
  trial: Trial,
  trials: readonly Trial[],
  direction: Direction,
  { minimumSteps, reductionFactor, earlyStoppingRate }: AshaOptions,
): Decision {
  const step = Math.max(...trial.intermediate.keys());
  const value = trial.intermediate.get(step);
  const reached: number[] = [];
  if (value === undefined) return { isStopped: false, reached };
  for (let rung = trial.rungs.length; ; rung++) {
    if (step < minimumSteps * reductionFactor ** (earlyStoppingRate + rung)) return { isStopped: false, reached };
    if (Number.isNaN(value)) return { isStopped: true, reached };
    const others = trials.filter(({ number }) => number !== trial.number).map(({ rungs }) => rungs[rung]);
    const competing = [...others.filter((each) => each !== undefined), value].toSorted(better(direction));
    reached.push(value);
    // The first η − 1 go on only if they are the best so far.
    const last = Math.max(Math.floor(competing.length / reductionFactor) - 1, 0);
    if (better(direction)(value, competing[last]!) > 0) return { isStopped: true, reached };
  }
}
