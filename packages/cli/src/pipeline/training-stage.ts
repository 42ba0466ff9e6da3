// SPDX-License-Identifier: Apache-2.0
import { placeError, resolveConfig, runTraining, type ConfigInput, type RunConfig } from '@llmf/core';
import { composeEngine, type Composition } from '../compose-engine.js';
import type { Display } from '../display.js';
import { lossPlot } from '../plugins/loss-plot.js';
import { progress } from '../plugins/progress.js';

/** The stage's config, checked by the schemas of its own plugins. */
export async function checkedConfig(folder: string, input: ConfigInput): Promise<RunConfig> {
  return await composed(folder, input, [], async (_composition, config) => config);
}

/** Trains, or continues. @returns whether it came to its end */
export async function runTrainingStage(
  folder: string,
  input: ConfigInput,
  { display, stop, resume }: { display: Display; stop: AbortSignal; resume: boolean },
): Promise<boolean> {
  const own = [progress(display), lossPlot()];
  return await composed(folder, input, own, async ({ engine }, config) => {
    const options = { resume, folder: input.folder, logger: display, stop };
    const outcome = await runTraining(engine, config, options).catch((error: unknown) => {
      throw placeError(error, input.source, config);
    });
    return outcome.reason === 'finished';
  });
}

async function composed<T>(
  folder: string,
  input: ConfigInput,
  own: Parameters<typeof composeEngine>[0]['own'] & object,
  use: (composition: Composition, config: RunConfig) => Promise<T>,
): Promise<T> {
  const composition = await composeEngine({ folder, input, own });
  try {
    const { source, folder: start } = input;
    const options = { source, named: composition.named, folder: start };
    const config = await resolveConfig(composition.engine, input.raw, options);
    return await use(composition, config);
  } finally {
    await composition.engine.close();
  }
}
