// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { isThereSync, writeFileAtomic } from '@llmf/core';
import { stringify } from 'yaml';
import { cliErrors } from '../cli-errors.js';
import { foreignSource, toolNamed } from './foreign-words.js';
import type { CliIo } from '../io.js';
import { readForeign, reportLines } from './read-foreign.js';

export interface ImportFlags {
  readonly from: string;
  readonly output?: string;
}

/** Writes the config that another tool's file or flags amount to; the report of every option goes to standard error. */
export async function importCommand(io: CliIo, words: readonly string[], flags: ImportFlags): Promise<void> {
  const tool = toolNamed(flags.from);
  const { config, report } = await readForeign(io.folder, tool, foreignSource(words, 'llmf import'));
  for (const line of reportLines(report, tool)) io.err.write(`${line}\n`);
  const text = stringify(config);
  if (flags.output === undefined) return io.out.write(text);
  const file = resolve(io.folder, flags.output);
  if (isThereSync(file)) throw cliErrors.usage({ problem: `${flags.output} is there already`, command: 'llmf import' });
  await writeFileAtomic(file, text);
  io.err.write(`wrote ${flags.output}\n`);
}
