// SPDX-License-Identifier: Apache-2.0
import { describeOptions, LlmfError, type ConfigInput, type OptionRow } from '@llmf/core';
import type { Command } from 'commander';
import { composeEngine } from './compose-engine.js';
import type { CliIo } from './io.js';
import { readNamedInput } from './read-input.js';
import { wrapText } from './wrap-text.js';

/** `llmf train --help`: usage, then every key of the config as the loaded plugins read it. */
export async function printConfigHelp(
  io: CliIo,
  command: Command,
  words: readonly string[],
  plugins: readonly string[],
): Promise<void> {
  const { engine } = await composeEngine({ folder: io.folder, plugins, ...(await namedInput(io, words)) });
  io.out.write(command.helpInformation());
  const loaded = engine.plugins.map(({ name }) => name).join(', ');
  io.out.write(`\nKeys of the config, with the plugins ${loaded}:\n`);
  io.out.write(optionTable(describeOptions(engine), Math.min(io.out.columns, 120)));
  await engine.close();
}

/** Help must also help where the config is broken. */
async function namedInput(io: CliIo, words: readonly string[]): Promise<{ input?: ConfigInput }> {
  try {
    return await readNamedInput(io, words, 'llmf train --help');
  } catch (error) {
    if (!LlmfError.is(error)) throw error;
    io.err.write(`warning: the config is not used here: ${error.message}\n`);
    return {};
  }
}

/** Groups of `key  type, default`, each followed by its description. */
export function optionTable(rows: readonly OptionRow[], width: number): string {
  return [...groupBy(rows)]
    .map(([title, members]) => `\n${title}\n${members.map((row) => rowText(row, width)).join('')}`)
    .join('');
}

function groupBy(rows: readonly OptionRow[]): Map<string, OptionRow[]> {
  const groups = new Map<string, OptionRow[]>();
  for (const row of rows) groups.set(groupOf(row), [...(groups.get(groupOf(row)) ?? []), row]);
  return groups;
}

function groupOf({ key, of, slot, plugin }: OptionRow): string {
  const section = key.includes('.') ? key.slice(0, key.indexOf('.')) : '';
  if (of !== null) return `${slot}: ${of}${plugin === null ? '' : ` (plugin ${plugin})`}`;
  return section === '' ? 'general' : `${section}${plugin === null || plugin === section ? '' : ` (plugin ${plugin})`}`;
}

function rowText({ key, type, default: preset, required, description }: OptionRow, width: number): string {
  const fallback = required ? 'required' : preset === null ? '' : `default ${preset}`;
  const facts = [type, fallback].filter(Boolean).join('; ');
  const [first = '', ...more] = wrapText(facts, Math.max(30, width - 38));
  const indent = ' '.repeat(38);
  const head = `  ${key.padEnd(35)} ${first}\n${more.map((line) => `${indent}${line}\n`).join('')}`;
  const text = wrapText(description, Math.max(30, width - 6)).map((line) => `      ${line}\n`);
  return head + text.join('');
}
