// SPDX-License-Identifier: Apache-2.0
import { closest } from '@llmf/core';
import { cliErrors } from '../cli-errors.js';
import { splitArguments } from '../read-input.js';
import type { ForeignSource } from './read-foreign.js';
import { tools } from './tools.js';
import type { Tool } from './translation.js';

/** @throws LLMF_CLI_USAGE with the known names */
export function toolNamed(name: string): Tool {
  const found = tools.find((tool) => tool.name === name);
  if (found !== undefined) return found;
  const names = tools.map((tool) => tool.name);
  const problem = `--from ${name}: known are ${names.join(', ')}`;
  throw cliErrors.usage({ problem, command: 'llmf import', meant: closest(name, names) });
}

/** One file and keys of ours over it, or the other tool's flags (behind `--`, which the command line took away). @throws LLMF_CLI_USAGE */
export function foreignSource(words: readonly string[], command: string): ForeignSource {
  if (words.some((word) => word.startsWith('--'))) return { flags: words };
  const { config: file, overrides } = splitArguments(words, command);
  if (file === undefined) {
    const problem = 'with --from, name one file of the other tool, or give its flags behind --';
    throw cliErrors.usage({ problem, command });
  }
  return { file, overrides };
}
