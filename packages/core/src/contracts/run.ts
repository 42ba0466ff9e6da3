// SPDX-License-Identifier: Apache-2.0
import type { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncBailHook } from 'tapable';
import type { Container } from './container.js';
import type { StateRegistry } from './state.js';
import type { RunConfig } from '../config/run-config.js';

/** Fires in this order within a run; from `stopping` to `checkpoint` it repeats with the steps. */
export interface RunHooks {
  /** Act: all is prepared (and resumed): totals and record are known, the first step comes next. */
  readonly started: AsyncSeriesHook<[RunStarted]>;
  /** Decide: shall the run end before this step? Who answers first ends it, with the reason that is given. */
  readonly stopping: SyncBailHook<[StepDone], string | undefined>;
  /** Act: the optimizer step is queued. */
  readonly stepDone: AsyncSeriesHook<[StepDone]>;
  /** Act: one metrics row, as it goes to metrics.jsonl. Trackers and progress tap here. */
  readonly log: AsyncSeriesHook<[MetricsRow]>;
  /** Transform: evaluation metrics (names without the `eval_` prefix). */
  readonly evaluate: AsyncSeriesWaterfallHook<[Record<string, number>]>;
  /** Act: an evaluation is done and logged; its metrics by the names of metrics.jsonl. */
  readonly evaluated: AsyncSeriesHook<[Evaluated]>;
  /** Act: a checkpoint was written whole, to this folder. */
  readonly checkpoint: AsyncSeriesHook<[{ readonly step: number; readonly folder: string }]>;
  /** Act: training ended by itself or by request; final files are written by taps (model, plot). */
  readonly end: AsyncSeriesHook<[RunEnd]>;
  /** Act: the run failed; the error follows its way after the taps. */
  readonly failure: AsyncSeriesHook<[unknown]>;
  /** Act, in reverse order of tapping: release tensors, files, workers. Always fires. */
  readonly shutdown: AsyncSeriesHook<[]>;
}

export interface StepDone {
  readonly step: number;
  readonly epoch: number;
}
export interface RunStarted {
  /** Steps done before, by the run that is continued. */
  readonly step: number;
  readonly totalSteps: number;
  readonly stepsPerEpoch: number;
}
export interface Evaluated {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}
export interface RunEnd {
  readonly step: number;
  readonly reason: 'finished' | 'interrupted';
  /** Why it ended before its last step, where a tap of `stopping` said so. */
  readonly stoppedBy?: string;
  /** Step whose weights are the result, where the best were kept rather than the last. */
  readonly bestStep?: number;
}
/** One object per logged step; keys as in TRL where TRL has the metric. */
export type MetricsRow = Record<string, number | string | null>;

/** Work shared among processes. Size 1 today; samplers already ask for it. */
export interface World {
  readonly rank: number;
  readonly size: number;
}

export interface Logger {
  info(message: string): void;
  warn(message: string): void;
}

/** One run: a frozen config, hooks, its container, its state, its clock of steps. */
export interface Run {
  readonly config: RunConfig;
  readonly hooks: RunHooks;
  readonly container: Container;
  readonly state: StateRegistry;
  readonly world: World;
  readonly logger: Logger;
  /** Absolute path of the output folder. */
  readonly output: string;
  /** Folder that relative paths of the config start from. */
  readonly folder: string;
  /** Optimizer steps done. */
  readonly step: number;
  /** Optimizer steps of the whole run, known once the stage is prepared. */
  readonly totalSteps: number;
  /** Aborted when the run shall end; left out: it never is. See `throwIfStopped`. */
  readonly stop?: AbortSignal | undefined;
  /** Facts for `run.json` under a name (data hash, backend, versions). */
  readonly record: Record<string, unknown>;
}
