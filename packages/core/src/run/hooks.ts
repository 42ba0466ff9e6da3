// SPDX-License-Identifier: Apache-2.0
import { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncWaterfallHook } from 'tapable';
import type { RunHooks } from '../contracts/run.js';
import { guardHooks } from '../engine/guard-hooks.js';

/** The hooks of one run, in firing order. */
export function createRunHooks(): RunHooks {
  return guardHooks({
    modelLoaded: new AsyncSeriesWaterfallHook(['model'], 'modelLoaded'),
    datasetReady: new AsyncSeriesWaterfallHook(['rows', 'info'], 'datasetReady'),
    rowsEncoded: new AsyncSeriesWaterfallHook(['rows'], 'rowsEncoded'),
    batchCollated: new AsyncSeriesWaterfallHook(['batch'], 'batchCollated'),
    inputsEmbedded: new SyncWaterfallHook(['embedded', 'batch', 'pass'], 'inputsEmbedded'),
    lossTerms: new SyncWaterfallHook(['terms'], 'lossTerms'),
    gradientsReady: new AsyncSeriesHook(['gradients'], 'gradientsReady'),
    stepDone: new AsyncSeriesHook(['step'], 'stepDone'),
    evaluate: new AsyncSeriesWaterfallHook(['metrics'], 'evaluate'),
    checkpoint: new AsyncSeriesHook(['checkpoint'], 'checkpoint'),
    log: new AsyncSeriesHook(['row'], 'log'),
    end: new AsyncSeriesHook(['end'], 'end'),
    failure: new AsyncSeriesHook(['error'], 'failure'),
    shutdown: new AsyncSeriesHook([], 'shutdown'),
  } satisfies RunHooks);
}
