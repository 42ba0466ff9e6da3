// SPDX-License-Identifier: Apache-2.0
import { StartedBackendToken, token, type Run } from '@llmf/core';
import type { WatchedFiles } from '@llmf/nn';
import { trainingErrors } from '../training-errors.js';

/** The weight files of every model that the run has loaded, and the pages that were lost before. */
const WatchedFilesToken = token<WatchedFiles>('watched-files');

/** Runs that look after each step and evaluation. */
const watching = new WeakSet<Run>();

/**
 * From now on the run ends where the files change: before anything of them is kept, and with `hasFrozen`, where frozen
 * weights may still lie in them, after each step and evaluation.
 */
export function keepWatch(run: Run, files: WatchedFiles, hasFrozen: boolean): void {
  if (!run.container.has(WatchedFilesToken)) run.container.register(WatchedFilesToken, watchedPages(run));
  if (hasFrozen && !watching.has(run)) {
    watching.add(run);
    run.hooks.stepDone.tapPromise('watched-files', () => checkFiles(run));
    run.hooks.evaluate.tapPromise('watched-files', async (metrics) => {
      await checkFiles(run);
      return metrics;
    });
  }
  run.container.register(WatchedFilesToken, files);
}

/**
 * What was computed since the last call was computed on the weights that were loaded.
 * @throws LLMF_MODELS_FILES_CHANGED, LLMF_TRAINING_PAGES_LOST
 */
export async function checkFiles(run: Run): Promise<void> {
  for (const files of run.container.resolveAll(WatchedFilesToken).reverse()) await files.check();
}

/** A file that is as it was may yet be unreadable. */
function watchedPages(run: Run): WatchedFiles {
  const lostPages = () => run.container.resolve(StartedBackendToken).lostPages?.() ?? 0;
  const before = lostPages();
  return {
    async check() {
      const lost = lostPages() - before;
      if (lost > 0) throw trainingErrors.pagesLost({ lost });
    },
  };
}
