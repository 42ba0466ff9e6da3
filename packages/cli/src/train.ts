// SPDX-License-Identifier: Apache-2.0
import { wholeSource, type Logger, type TrainingOutcome } from '@llmf/core';
import { composeEngine } from './compose-engine.js';
import type { LlmfConfig } from './config-types.js';
import { lossPlot } from './plugins/loss-plot.js';
import { runInput } from './run-input.js';

export interface TrainCallOptions {
  /** Folder that relative paths start from and plugins named by text are looked for in; default: the current one. */
  readonly folder?: string;
  /** Continue from the newest checkpoint of the output folder. */
  readonly resume?: boolean;
  /** Aborting it ends the run after the step in progress, with a checkpoint. */
  readonly signal?: AbortSignal;
  /** Told what the command line would print; default: nobody. */
  readonly logger?: Logger;
}

/**
 * One training run from a config, as `llmf train` does it: `await train({ ...config, plugins: [lossSimpo()] })`.
 * @throws LlmfError, as the command line prints it.
 */
export async function train(config: LlmfConfig, options: TrainCallOptions = {}): Promise<TrainingOutcome> {
  const { folder = process.cwd(), resume = false, signal, logger = silent } = options;
  const input = { raw: config, source: wholeSource('the config given to train()'), folder, file: null };
  const composition = await composeEngine({ folder, input, own: [lossPlot()] });
  try {
    return await runInput(composition, input, { resume, logger, ...(signal ? { stop: signal } : {}) });
  } finally {
    await composition.engine.close();
  }
}

const silent: Logger = { info: () => {}, warn: () => {} };
