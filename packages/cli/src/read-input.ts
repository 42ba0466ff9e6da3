// SPDX-License-Identifier: Apache-2.0
import {
  applyOverrides,
  configsIn,
  findConfig,
  isOverride,
  readConfig,
  wholeSource,
  type ConfigInput,
} from '@llmf/core';
import { cliErrors } from './cli-errors.js';
import type { CliIo } from './io.js';

/** Splits `[CONFIG] [key=value]…`. @throws LLMF_CLI_USAGE for a second path. */
export function splitArguments(words: readonly string[], command: string): { config?: string; overrides: string[] } {
  const overrides = words.filter(isOverride);
  const [config, second] = words.filter((word) => !isOverride(word));
  if (second !== undefined) {
    const problem = `"${second}" is neither key=value nor the one config, which is "${config}"`;
    throw cliErrors.usage({ problem, command });
  }
  return { ...(config === undefined ? {} : { config }), overrides };
}

/** The config file under the overrides; without a file, overrides alone can be a config. */
export async function readInput(folder: string, words: readonly string[], command: string): Promise<ConfigInput> {
  const { config, overrides } = splitArguments(words, command);
  const isWithoutFile = config === undefined && overrides.length > 0 && findConfig(folder) === null;
  const input: ConfigInput = isWithoutFile
    ? { raw: {}, source: wholeSource('command line'), folder, file: null }
    : await readConfig(folder, config);
  return applyOverrides(input, overrides);
}

/** The config with the plugins of the command line in its list, as `run.json` shall hold it. */
export function withPlugins(input: ConfigInput, plugins: readonly string[]): ConfigInput {
  const listed: unknown = input.raw['plugins'] ?? [];
  if (plugins.length === 0 || !Array.isArray(listed)) return input;
  const added = plugins.filter((name) => !listed.includes(name));
  return { ...input, raw: { ...input.raw, plugins: [...(listed as unknown[]), ...added] } };
}

/**
 * For commands that only tell what is loaded: the config that was named, with the overrides. One that merely lies in the
 * folder is not read, since its plugins, or it itself, are programs; a line on standard error says so.
 */
export async function readNamedInput(
  io: CliIo,
  words: readonly string[],
  command: string,
): Promise<{ input?: ConfigInput }> {
  const { config, overrides } = splitArguments(words, command);
  if (config !== undefined) return { input: applyOverrides(await readConfig(io.folder, config), overrides) };
  const [unread] = configsIn(io.folder);
  if (unread !== undefined) {
    io.err.write(`${unread} of this folder is not read here; to load its plugins, name it: ${command} ${unread}\n`);
  }
  if (overrides.length === 0) return {};
  const none = { raw: {}, source: wholeSource('command line'), folder: io.folder, file: null };
  return { input: applyOverrides(none, overrides) };
}
