// SPDX-License-Identifier: Apache-2.0
import { access, constants, mkdir, readdir } from 'node:fs/promises';
import { runErrors } from './run-errors.js';

/** What llmf itself writes before a run's first checkpoint; such a folder may be started in again with --resume. */
const runFiles = ['run.json', 'metrics.jsonl', 'checkpoints'];

/** Creates the folder. @throws when it holds another run (unless resuming) or cannot be written. */
export async function prepareOutputFolder(folder: string, resume: boolean): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw runErrors.outputUnwritable({ folder, reason: (error as Error).message }, { cause: error });
  }
  const names = await readdir(folder);
  if (!resume && names.some((name) => runFiles.includes(name))) throw runErrors.outputInUse({ folder });
}
