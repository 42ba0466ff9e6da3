// SPDX-License-Identifier: Apache-2.0
import type { Container } from '../contracts/container.js';
import type { Logger, Run, RunHooks, World } from '../contracts/run.js';
import type { RunConfig } from '../config/run-config.js';
import { createRunHooks } from './hooks.js';
import { RunState } from './state-registry.js';
import { singleWorld } from './world.js';

/** The engine's side of a Run: the loop moves `step`, everyone else reads. */
export class TrainingRun implements Run {
  readonly hooks: RunHooks = createRunHooks();
  readonly state = new RunState();
  readonly world: World = singleWorld;
  readonly record: Record<string, unknown> = {};
  step = 0;
  totalSteps = 0;

  constructor(
    readonly config: RunConfig,
    readonly container: Container,
    readonly output: string,
    readonly folder: string,
    readonly logger: Logger,
    readonly stop?: AbortSignal,
  ) {
    this.state.add('engine', {
      save: () => ({ json: { step: this.step } }),
      load: ({ json }) => {
        this.step = (json as { step: number }).step;
      },
    });
  }
}
