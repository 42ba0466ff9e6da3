// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { displayPath, formatNumber, writeFileAtomic } from '@llmf/core';
import { bestOf } from '@llmf/sweep';
import { stringify } from 'yaml';
import { Display } from '../display.js';
import { interruptedStatus, type CliIo } from '../io.js';
import { runSweep } from './run-sweep.js';
import { readSweep, type Sweep } from './sweep-file.js';
import { sweepPage } from './sweep-report.js';
import { SweepState } from './sweep-state.js';
import { nested } from './nested.js';

/** Runs a sweep. Returns the exit status. */
export async function sweepCommand(io: CliIo, file: string, { resume }: { resume: boolean }): Promise<number> {
  const sweep = await readSweep(io.folder, file);
  const display = new Display(io);
  const state = await SweepState.open(sweep, resume);
  const stop = new AbortController();
  const unlisten = io.onInterrupt(() => {
    display.info('ending the trials, each with a checkpoint (Ctrl-C again leaves at once)');
    stop.abort();
  });
  const changed = () => writeResults(sweep, state);
  try {
    const isDone = await runSweep(sweep, state, { display, stop: stop.signal, changed });
    await changed();
    if (isDone) return told(sweep, state, display);
    display.info('interrupted; continue with --resume');
    return interruptedStatus;
  } finally {
    unlisten();
    display.close();
    await state.close();
  }
}

function told(sweep: Sweep, state: SweepState, display: Display): number {
  const best = bestOf(state.trials, sweep.direction);
  const count = (wanted: string) => state.trials.filter((trial) => trial.state === wanted).length;
  display.info(`${count('complete')} trials complete, ${count('pruned')} stopped early, ${count('failed')} failed`);
  if (best !== null) {
    display.info(`best: trial ${best.number}, ${sweep.metric} ${formatNumber(best.value!)}`);
    for (const [key, value] of Object.entries(best.params)) display.info(`  ${key}: ${JSON.stringify(value)}`);
  }
  display.info(`report: ${displayPath(join(sweep.output, 'report.html'))}`);
  return best === null ? 1 : 0;
}

/** `report.html` and, once there is one, the best parameters as keys of a config. */
async function writeResults(sweep: Sweep, state: SweepState): Promise<void> {
  const { trials } = state;
  await writeFileAtomic(join(sweep.output, 'report.html'), sweepPage(sweep, trials));
  const best = bestOf(trials, sweep.direction);
  if (best !== null) await writeFileAtomic(join(sweep.output, 'best.yaml'), stringify(nested(best.params)));
}
