// SPDX-License-Identifier: Apache-2.0
import { AsyncSeriesHook, AsyncSeriesWaterfallHook } from 'tapable';
import type { RunHooks } from '../contracts/run.js';
import { guardHooks } from '../engine/guard-hooks.js';

/** The hooks of one run, in firing order. */
export function createRunHooks(): RunHooks {
  return guardHooks({
    stepDone: new AsyncSeriesHook(['step'], 'stepDone'),
    evaluate: new AsyncSeriesWaterfallHook(['metrics'], 'evaluate'),
    checkpoint: new AsyncSeriesHook(['checkpoint'], 'checkpoint'),
    log: new AsyncSeriesHook(['row'], 'log'),
    end: new AsyncSeriesHook(['end'], 'end'),
    failure: new AsyncSeriesHook(['error'], 'failure'),
    shutdown: new AsyncSeriesHook([], 'shutdown'),
  } satisfies RunHooks);
}
