// SPDX-License-Identifier: Apache-2.0
import type { ConfigInput } from '@llmf/core';
import { composeEngine } from './compose-engine.js';
import { Display } from './display.js';
import { Interruption } from './interruption.js';
import { interruptedStatus, type CliIo } from './io.js';
import { lossPlot } from './plugins/loss-plot.js';
import { profile } from './plugins/profile.js';
import { progress } from './plugins/progress.js';
import { readInput, withPlugins } from './read-input.js';
import { runInput } from './run-input.js';

export interface TrainOptions {
  readonly plugins: readonly string[];
  readonly resume: boolean;
  /** Write where the time of steps goes. */
  readonly profile: boolean;
  /** Another tool, whose config it is. */
  readonly from?: string;
}

/** Reads the config, composes the engine, trains. Returns the exit status. */
export async function trainCommand(
  io: CliIo,
  words: readonly string[],
  { plugins, resume, profile: isProfiled, from }: TrainOptions,
): Promise<number> {
  const display = new Display(io);
  const input =
    from === undefined ? await readInput(io.folder, words, 'llmf train') : await foreignInput(io, words, from, display);
  const own = [progress(display), lossPlot(), ...(isProfiled ? [profile(display)] : [])];
  const composition = await composeEngine({ folder: io.folder, plugins, input, own });
  const { engine } = composition;
  const interruption = new Interruption(io, display);
  try {
    const call = { resume, logger: display, stop: interruption.signal };
    const outcome = await interruption.around(engine, () => runInput(composition, withPlugins(input, plugins), call));
    if (outcome.reason === 'finished') return 0;
    const where = outcome.step === 0 ? 'before the first step' : `after step ${outcome.step}`;
    display.info(`interrupted ${where}; continue with --resume`);
    return interruptedStatus;
  } finally {
    interruption.close();
    display.close();
    await engine.close();
  }
}

/** The config of another tool, with what became of each of its options. */
async function foreignInput(io: CliIo, words: readonly string[], from: string, display: Display): Promise<ConfigInput> {
  const { foreignSource, toolNamed } = await import('./import/foreign-words.js');
  const { readForeign, reportLines } = await import('./import/read-foreign.js');
  const tool = toolNamed(from);
  const { input, report } = await readForeign(io.folder, tool, foreignSource(words, 'llmf train'));
  for (const line of reportLines(report, tool)) display.info(line);
  return input;
}
