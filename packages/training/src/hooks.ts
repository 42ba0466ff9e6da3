// SPDX-License-Identifier: Apache-2.0
import { guardHooks } from '@llmf/core';
import { AsyncSeriesWaterfallHook, SyncWaterfallHook } from 'tapable';
import type { TrainingHooks } from './contracts/hooks.js';

/** The training hooks of one run, in firing order. */
export function createTrainingHooks(): TrainingHooks {
  return guardHooks({
    lossTerms: new SyncWaterfallHook(['terms'], 'lossTerms'),
    modelLoaded: new AsyncSeriesWaterfallHook(['model'], 'modelLoaded'),
    datasetReady: new AsyncSeriesWaterfallHook(['rows', 'info'], 'datasetReady'),
    rowsEncoded: new AsyncSeriesWaterfallHook(['rows', 'place'], 'rowsEncoded'),
    batchCollated: new AsyncSeriesWaterfallHook(['batch', 'place'], 'batchCollated'),
    inputsEmbedded: new SyncWaterfallHook(['embedded', 'batch', 'pass'], 'inputsEmbedded'),
    gradientsReady: new AsyncSeriesWaterfallHook(['gradients'], 'gradientsReady'),
  } satisfies TrainingHooks);
}
