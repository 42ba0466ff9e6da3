// SPDX-License-Identifier: Apache-2.0
import { access, constants, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { entriesIfThere } from '../files/if-there.js';
import { holderText, isLock, tryLock, type ProcessLock } from '../files/process-lock.js';
import { runErrors } from './run-errors.js';
import { makeFolder } from '../files/make-folder.js';

/** What llmf itself writes before a run's first checkpoint; such a folder may be started in again with --resume. */
const runFiles = ['run.json', 'metrics.jsonl', 'checkpoints'];

/**
 * Creates the folder and takes it for this process: one run, one folder.
 * @throws when it holds another run (unless resuming) or weights that no run wrote, another process runs in it, or it cannot be written
 */
export async function prepareOutputFolder(folder: string, resume: boolean): Promise<ProcessLock> {
  try {
    makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    throw runErrors.outputUnwritable({ folder, reason: (error as Error).message }, { cause: error });
  }
  const lock = tryLock(join(folder, '.lock'));
  if (!isLock(lock)) throw runErrors.outputRunning({ folder, holder: holderText(lock) });
  try {
    const names = await readdir(folder);
    await checkOutputFolder(folder);
    if (!resume && names.some((name) => runFiles.includes(name))) throw runErrors.outputInUse({ folder });
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** What can be said of the folder before it is taken. @throws LLMF_CORE_OUTPUT_HOLDS_WEIGHTS where no run wrote its weights */
export async function checkOutputFolder(folder: string): Promise<void> {
  const names = await entriesIfThere(folder);
  if (!names.includes('run.json')) await refuseWeights(folder);
}

/** Weights of others are never replaced, least of all those that something is made from. @throws LLMF_CORE_OUTPUT_HOLDS_WEIGHTS */
export async function refuseWeights(folder: string): Promise<void> {
  const names = await entriesIfThere(folder);
  const file = names.find((name) => name.endsWith('.safetensors'));
  if (file !== undefined) throw runErrors.outputHoldsWeights({ folder, file });
}
