// SPDX-License-Identifier: Apache-2.0
import {
  placeError,
  resolveConfig,
  runTraining,
  type ConfigInput,
  type RunTrainingOptions,
  type TrainingOutcome,
} from '@llmf/core';
import type { Composition } from './compose-engine.js';

/** Checks a config and trains as it says. What the run throws about a key is placed where the config has it. */
export async function runInput(
  { engine, named }: Composition,
  { raw, source, folder }: ConfigInput,
  call: Omit<RunTrainingOptions, 'folder'>,
): Promise<TrainingOutcome> {
  const config = await resolveConfig(engine, raw, { source, named, folder });
  return await runTraining(engine, config, { ...call, folder }).catch((error: unknown) => {
    throw placeError(error, source, config);
  });
}
