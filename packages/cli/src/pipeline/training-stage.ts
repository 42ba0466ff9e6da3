// SPDX-License-Identifier: Apache-2.0
import { resolveConfig, type ConfigInput, type RunConfig } from '@llmf/core';
import { composeEngine } from '../compose-engine.js';
import type { Display } from '../display.js';
import type { Interruption } from '../interruption.js';
import { lossPlot } from '../plugins/loss-plot.js';
import { progress } from '../plugins/progress.js';
import { runInput } from '../run-input.js';

/** The stage's config, checked by the schemas of its own plugins. */
export async function checkedConfig(folder: string, input: ConfigInput): Promise<RunConfig> {
  const { engine, named } = await composeEngine({ folder, input });
  try {
    return await resolveConfig(engine, input.raw, { source: input.source, named, folder: input.folder });
  } finally {
    await engine.close();
  }
}

/** Trains, or continues. @returns whether it came to its end */
export async function runTrainingStage(
  folder: string,
  input: ConfigInput,
  { display, interruption, resume }: { display: Display; interruption: Interruption; resume: boolean },
): Promise<boolean> {
  const composition = await composeEngine({ folder, input, own: [progress(display), lossPlot()] });
  try {
    const call = { resume, logger: display, stop: interruption.signal };
    const outcome = await interruption.around(composition.engine, () => runInput(composition, input, call));
    return outcome.reason === 'finished';
  } finally {
    await composition.engine.close();
  }
}
