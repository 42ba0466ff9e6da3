// SPDX-License-Identifier: Apache-2.0
// What the experiments have in common: the command, and what a run left.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const repository = fileURLToPath(new URL('../../', import.meta.url));
const command = join(repository, 'packages', 'cli', 'bin', 'llmf.js');

/** Runs `llmf …` in a folder and ends with it where it fails. Returns the function that does. */
export const inFolder =
  (folder) =>
  (...args) => {
    console.log(`\n$ llmf ${args.join(' ')}\n`);
    const { status } = spawnSync(process.execPath, [command, ...args], {
      cwd: folder,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) process.exit(status ?? 2);
  };

export const linesOf = (file) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Evaluations of a run, in order. */
export const evaluationsOf = (run) => linesOf(join(run, 'metrics.jsonl')).filter((row) => 'eval_seconds' in row);
