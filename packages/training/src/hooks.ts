// SPDX-License-Identifier: Apache-2.0
import { guardHooks } from '@llmf/core';
import { AsyncSeriesHook, AsyncSeriesWaterfallHook, SyncWaterfallHook } from 'tapable';
import type { TrainingHooks } from './contracts/hooks.js';

/** The training hooks of one run, in firing order. */
export function createTrainingHooks(): TrainingHooks {
  return guardHooks({
    modelLoaded: new AsyncSeriesWaterfallHook(['model'], 'modelLoaded'),
    datasetReady: new AsyncSeriesWaterfallHook(['rows', 'info'], 'datasetReady'),
    rowsEncoded: new AsyncSeriesWaterfallHook(['rows'], 'rowsEncoded'),
    batchCollated: new AsyncSeriesWaterfallHook(['batch'], 'batchCollated'),
    inputsEmbedded: new SyncWaterfallHook(['embedded', 'batch', 'pass'], 'inputsEmbedded'),
    lossTerms: new SyncWaterfallHook(['terms'], 'lossTerms'),
    gradientsReady: new AsyncSeriesHook(['gradients'], 'gradientsReady'),
  } satisfies TrainingHooks);
}
