// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { ModelLoaderToken } from '@llmf/nn';
import { DataServiceToken, modelFolder } from '@llmf/training';

/**
 * The names of the classes, in the order of their numbers: those the config gives, else those of the classifier that the
 * run goes on with, else those of the training rows. Says which.
 */
export async function labelNames(run: Run, given: readonly string[] | null, task?: string): Promise<readonly string[]> {
  if (given !== null) return given;
  const saved = task === undefined ? await run.container.resolve(ModelLoaderToken).heads(await modelFolder(run)) : null;
  const named = saved?.heads.find(({ replacesLanguageModel, labels }) => replacesLanguageModel === true && labels);
  const names = named?.labels ?? (await run.container.resolve(DataServiceToken).labels(run, task));
  const shown = names.length > 12 ? `${names.slice(0, 12).join(', ')}, … (${names.length})` : names.join(', ');
  run.logger.info(`labels of ${named === undefined ? 'the training rows' : 'the model'}: ${shown}`);
  return names;
}
