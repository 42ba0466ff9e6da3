// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { setImmediate as nextTick } from 'node:timers/promises';
import type { Engine } from '../contracts/engine.js';
import type { Logger } from '../contracts/run.js';
import { StageToken, type StageSession } from '../contracts/stage.js';
import type { RunConfig } from '../config/run-config.js';
import { removeLeftovers } from '../files/temporary-name.js';
import { CheckpointStore } from './checkpoints.js';
import { stopEarly } from './early-stopping.js';
import { MetricsLog } from './metrics-log.js';
import { prepareOutputFolder } from './output-folder.js';
import { checkResumable } from './resume-check.js';
import { runErrors } from './run-errors.js';
import { writeRunRecord } from './run-record.js';
import { startBackend } from './start-backend.js';
import { StepLoop } from './step-loop.js';
import { Stopped } from './stopped.js';
import { TrainingRun } from './training-run.js';
import type { TrainingOutcome } from './training-outcome.js';

export interface RunTrainingOptions {
  /** Continue from the newest checkpoint of the output folder; starts afresh when there is none. */
  readonly resume: boolean;
  /** Folder that relative paths start from. */
  readonly folder: string;
  readonly logger: Logger;
  /** Aborted by the first Ctrl-C: the step in progress ends, a checkpoint is written, the run ends. */
  readonly stop?: AbortSignal;
}

/**
 * One training run from a validated config to its output folder, told in order: output folder, hooks, backend, stage,
 * resume, steps, end. Whatever happens, `shutdown` fires, in reverse order of tapping.
 */
export async function runTraining(
  engine: Engine,
  config: RunConfig,
  { resume, folder, logger, stop = new AbortController().signal }: RunTrainingOptions,
): Promise<TrainingOutcome> {
  const output = resolve(folder, config.output);
  const run = new TrainingRun(config, engine.container.createChild(), output, folder, logger, stop);
  const lock = await prepareOutputFolder(run.output, resume);
  await removeLeftovers(run.output);
  try {
    for (const line of config.inferred) logger.info(line);
    await engine.hooks.run.promise(run);
    const choice = config.choices['stage']![0]!;
    const stage = engine.find(StageToken, choice.name);
    await stage.check?.(run, choice.options);
    const { backend, precision } = await startBackend(engine, run.container, config.choices['backend']?.[0], logger);
    run.record['backend'] = { ...backend, stop: undefined, precision };
    const session = await stage.prepare(run, choice.options);
    run.totalSteps = stepCount(config, session.stepsPerEpoch);
    stopEarly(run);
    return await train(run, session, { resume, stop });
  } catch (error) {
    if (Stopped.is(error)) return { output, step: run.step, reason: 'interrupted', metrics: {} };
    await run.hooks.failure.promise(error);
    throw error;
  } finally {
    await run.hooks.shutdown.promise();
    lock.release();
  }
}

async function train(
  run: TrainingRun,
  session: StageSession,
  { resume, stop }: { resume: boolean; stop: AbortSignal },
): Promise<TrainingOutcome> {
  const store = new CheckpointStore(run.output);
  const log = new MetricsLog(run.output);
  await store.clean();
  const loop = new StepLoop(run, session, log, store, stop);
  const resumed = resume ? await restore(run, store) : false;
  await log.cutAfter(resumed ? run.step : -1);
  if (!resumed) await session.verify();
  await writeRunRecord(run);
  const { stepsPerEpoch } = session;
  await run.hooks.started.promise({ step: run.step, totalSteps: run.totalSteps, stepsPerEpoch });
  await loop.start(resumed);
  let stoppedBy: string | undefined;
  while (run.step < run.totalSteps && !stop.aborted) {
    stoppedBy = run.hooks.stopping.call({ step: run.step, epoch: run.step / stepsPerEpoch });
    if (stoppedBy !== undefined) break;
    await loop.next();
    await nextTick(); // lets signals and timers in between steps
  }
  if (stoppedBy !== undefined) run.logger.info(`stopped at step ${run.step}: ${stoppedBy}`);
  return await loop.finish(stoppedBy);
}

/** Loads the newest checkpoint into the run's state. False when there is none. */
async function restore(run: TrainingRun, store: CheckpointStore): Promise<boolean> {
  const checkpoint = await store.readLatest();
  if (checkpoint === null) {
    run.logger.info('no checkpoint to resume from: starting afresh');
    return false;
  }
  const { deciding, places, defaults } = run.config;
  checkResumable(checkpoint.config, deciding, checkpoint.folder, places, defaults);
  await run.state.load(checkpoint.states, checkpoint.folder);
  run.logger.info(`resumed at step ${checkpoint.step}`);
  return true;
}

/** Optimizer steps of the whole run. @throws LLMF_CORE_NOTHING_TO_TRAIN */
export function stepCount({ train: { epochs, maxSteps } }: RunConfig, stepsPerEpoch: number): number {
  const steps = maxSteps ?? Math.ceil(epochs * stepsPerEpoch);
  if (steps < 1 || stepsPerEpoch < 1) throw runErrors.nothingToTrain({ steps: stepsPerEpoch < 1 ? 0 : steps });
  return steps;
}
