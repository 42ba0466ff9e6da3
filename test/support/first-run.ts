// SPDX-License-Identifier: Apache-2.0
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { repository } from './command.js';

export const firstRun = join(repository, 'examples', 'first-run');

/** A temporary folder with the files of examples/first-run, without what its runs left there. */
export async function firstRunCopy(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'llmf-first-run-'));
  for (const name of ['architecture', 'data', 'model', 'llmf.yaml', 'sft.yaml']) {
    await cp(join(firstRun, name), join(folder, name), { recursive: true });
  }
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Rows of a run's metrics.jsonl. */
export async function metricsOf(output: string): Promise<Record<string, number>[]> {
  const text = await readFile(join(output, 'metrics.jsonl'), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
}
