// SPDX-License-Identifier: Apache-2.0
/** Commands that plugins bring: found by name under their token, their options read as flags. */
import { CommandToken, z, type Command as PluginCommand, type OptionsSchema } from '@llmf/core';
import { Command } from 'commander';
import { parse } from 'yaml';
import { cliErrors } from './cli-errors.js';
import { collect } from './commands/collect.js';
import { composeEngine } from './compose-engine.js';
import { flagName } from './flag-name.js';
import type { CliIo } from './io.js';

/** Runs the command of that name which the named plugins bring. null: none does. */
export async function runPluginCommand(
  name: string,
  argv: readonly string[],
  io: CliIo,
  settle: (command: Command) => void,
): Promise<number | null> {
  const { engine } = await composeEngine({ folder: io.folder, plugins: pluginsIn(argv) });
  try {
    const value = engine.container.resolveAll(CommandToken).find((each) => each.name === name);
    if (value === undefined) return null;
    const { command, flags } = declared(value);
    settle(command);
    await command.parseAsync(argv.slice(1), { from: 'user' });
    const options = checkedOptions(value, command.opts(), flags);
    const { folder, out, err } = io;
    return (await value.run({ engine, arguments: command.args, folder, out, err }, options)) ?? 0;
  } finally {
    await engine.close();
  }
}

/** Values of `--plugin NAME` and `--plugin=NAME`. */
function pluginsIn(argv: readonly string[]): string[] {
  return argv.flatMap((word, at) => {
    if (word.startsWith('--plugin=')) return [word.slice('--plugin='.length)];
    return argv[at - 1] === '--plugin' ? [word] : [];
  });
}

interface Declared {
  readonly command: Command;
  /** Option by the name commander gives its flag. */
  readonly flags: ReadonlyMap<string, string>;
}

function declared(value: PluginCommand): Declared {
  const command = new Command(`llmf ${value.name}`).description(value.description).action(() => {});
  for (const { name, description, isOptional = false, takesSeveral = false } of value.arguments ?? []) {
    const word = takesSeveral ? `${name}...` : name;
    command.argument(isOptional ? `[${word}]` : `<${word}>`, description);
  }
  const flags = new Map<string, string>();
  for (const [key, { type, description = '', default: preset }] of Object.entries(propertiesOf(value.options))) {
    const flag = `--${flagName(key)}`;
    const text = preset === undefined ? description : `${description} (default: ${JSON.stringify(preset)})`;
    if (type === 'boolean') command.option(flag, text);
    else if (type === 'array') command.option(`${flag} <value>`, text, collect);
    else command.option(`${flag} <value>`, text);
    flags.set(key, flag);
  }
  command.option('--plugin <name>', 'load a plugin; may be given several times', collect);
  return { command, flags };
}

interface Property {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
}

const propertiesOf = (schema: OptionsSchema | undefined): Record<string, Property> =>
  schema === undefined
    ? {}
    : ((z.toJSONSchema(schema as unknown as z.ZodType, { io: 'input', unrepresentable: 'any' }).properties as Record<
        string,
        Property
      >) ?? {});

/** The flags as the schema's options; texts are YAML, so that `3` is a number. @throws LLMF_CLI_USAGE */
function checkedOptions(
  value: PluginCommand,
  given: Readonly<Record<string, unknown>>,
  flags: ReadonlyMap<string, string>,
): Record<string, unknown> {
  if (value.options === undefined) return {};
  const read = (text: unknown): unknown =>
    typeof text === 'string' ? parse(text) : Array.isArray(text) ? text.map(read) : text;
  const written = Object.fromEntries(Object.entries(given).filter(([key]) => flags.has(key)));
  const parsed = value.options.safeParse(
    Object.fromEntries(Object.entries(written).map(([key, text]) => [key, read(text)])),
  );
  if (parsed.success) return parsed.data as Record<string, unknown>;
  const asText = value.options.safeParse(written);
  if (asText.success) return asText.data as Record<string, unknown>;
  const [issue] = parsed.error.issues;
  const key = String(issue!.path[0]);
  throw cliErrors.usage({ problem: `${flags.get(key) ?? key}: ${issue!.message}`, command: `llmf ${value.name}` });
}
