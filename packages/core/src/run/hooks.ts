// SPDX-License-Identifier: Apache-2.0
import { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncBailHook } from 'tapable';
import type { RunHooks } from '../contracts/run.js';
import { guardHooks } from '../engine/guard-hooks.js';

/** The hooks of one run, in firing order. */
export function createRunHooks(): RunHooks {
  return guardHooks({
    started: new AsyncSeriesHook(['started'], 'started'),
    stopping: new SyncBailHook(['step'], 'stopping'),
    stepDone: new AsyncSeriesHook(['step'], 'stepDone'),
    log: new AsyncSeriesHook(['row'], 'log'),
    evaluate: new AsyncSeriesWaterfallHook(['metrics'], 'evaluate'),
    evaluated: new AsyncSeriesHook(['evaluated'], 'evaluated'),
    checkpoint: new AsyncSeriesHook(['checkpoint'], 'checkpoint'),
    end: new AsyncSeriesHook(['end'], 'end'),
    failure: new AsyncSeriesHook(['error'], 'failure'),
    shutdown: new AsyncSeriesHook([], 'shutdown'),
  } satisfies RunHooks);
}
