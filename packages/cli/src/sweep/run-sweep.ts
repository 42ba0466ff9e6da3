// SPDX-License-Identifier: Apache-2.0
import { formatNumber } from '@llmf/core';
import { bestOf, type Trial } from '@llmf/sweep';
import type { Display } from '../display.js';
import { sweepErrors } from './sweep-errors.js';
import type { Sweep } from './sweep-file.js';
import { folderOfTrial, isStopped, type SweepState } from './sweep-state.js';
import { runTrial } from './trial-process.js';

/** So many trials that fail before one is complete are a mistake of the sweep, not of a parameter. */
const failuresAtFirst = 3;

/**
 * Runs what is left of a sweep: trials that an earlier start left running go on, then new ones are asked for. Returns
 * whether all have ended. @throws LLMF_CLI_SWEEP_TRIALS_FAIL
 */
export async function runSweep(
  sweep: Sweep,
  state: SweepState,
  { display, stop, changed }: { display: Display; stop: AbortSignal; changed: () => Promise<void> },
): Promise<boolean> {
  const left = state.trials.filter((trial) => trial.state === 'running').map(({ number }) => number);
  let asking: Promise<unknown> = Promise.resolve();
  const next = (): Promise<Trial | null> => {
    const asked = asking.then(async () => {
      if (stop.aborted || failedAtFirst(state) !== null) return null;
      const again = left.shift();
      if (again !== undefined) return state.trials[again]!;
      return state.trials.length < sweep.trials ? await state.ask() : null;
    });
    asking = asked;
    return asked;
  };
  const work = async () => {
    for (let trial = await next(); trial !== null; trial = await next()) {
      await conducted(sweep, state, trial, { display, stop });
      await changed();
    }
  };
  await Promise.all(Array.from({ length: sweep.parallel }, work));
  const last = failedAtFirst(state);
  if (last !== null) throw sweepErrors.sweepTrialsFail({ count: failuresAtFirst, last });
  return state.trials.length >= sweep.trials && state.trials.every((trial) => trial.state !== 'running');
}

async function conducted(
  sweep: Sweep,
  state: SweepState,
  trial: Trial,
  { display, stop }: { display: Display; stop: AbortSignal },
): Promise<void> {
  const { number, params } = trial;
  const shown = Object.entries(params).map(
    ([key, value]) => `${key}=${typeof value === 'number' ? formatNumber(value) : String(value)}`,
  );
  display.info(`trial ${number}: ${shown.join(' ')}`);
  const report = (step: number, value: number) => state.report(number, step, value);
  const call = { params, folder: folderOfTrial(sweep, number), stop, report };
  const end = isStopped(trial) ? ({ kind: 'stopped' } as const) : await runTrial(sweep, call);
  if (end.kind === 'interrupted') return;
  if (end.kind === 'failed') {
    await state.end(number, 'failed', null, end.reason);
    display.warn(`trial ${number} failed: ${end.reason}`);
    return;
  }
  const last = [...state.trials[number]!.intermediate.values()].at(-1) ?? null;
  const value = end.kind === 'complete' ? end.value : last;
  await state.end(number, end.kind === 'complete' ? 'complete' : 'pruned', value);
  const best = bestOf(state.trials, sweep.direction);
  const isBest = best?.number === number ? ', the best so far' : '';
  const told = value === null ? '' : ` ${sweep.metric} ${formatNumber(value)}`;
  display.info(`trial ${number}:${told}${end.kind === 'stopped' ? ', stopped early' : isBest}`);
}

/** Why trials fail, where the first ones all did; null: they did not. */
function failedAtFirst(state: SweepState): string | null {
  const ended = state.trials.filter((trial) => trial.state !== 'running');
  if (ended.length < failuresAtFirst || ended.some((trial) => trial.state !== 'failed')) return null;
  return String(ended.at(-1)!.attributes['reason']);
}
