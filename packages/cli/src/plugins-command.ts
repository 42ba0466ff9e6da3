// SPDX-License-Identifier: Apache-2.0
import { installedPlugins, sectionOf, type EngineImplementation, type Plugin } from '@llmf/core';
import { composeEngine } from './compose-engine.js';
import type { CliIo } from './io.js';
import { readNamedInput } from './read-input.js';

export async function pluginsCommand(io: CliIo, config: string | undefined, plugins: readonly string[]): Promise<void> {
  const named = await readNamedInput(io, config === undefined ? [] : [config], 'llmf plugins');
  const { engine } = await composeEngine({ folder: io.folder, plugins, ...named });
  io.out.write('loaded\n');
  for (const plugin of engine.plugins) io.out.write(pluginText(engine, plugin));
  const loaded = new Set(engine.plugins.map(({ name }) => `@llmf/${name}`));
  const others = installedPlugins(io.folder).filter(({ name }) => !loaded.has(name));
  io.out.write('\ninstalled here, to be loaded with --plugin or the config’s `plugins`\n');
  for (const { name, version, description } of others) io.out.write(`  ${name} ${version}  ${description}\n`);
  if (others.length === 0) io.out.write('  (none)\n');
  await engine.close();
}

function pluginText(engine: EngineImplementation, plugin: Plugin): string {
  const values = engine.providedBy(plugin);
  const brought = [
    ...(plugin.options ? [`config section ${sectionOf(plugin)}`] : []),
    ...engine.slots.filter(({ key }) => engine.ownerOfKey(key) === plugin.name).map(({ key }) => `config key ${key}`),
    ...Object.entries(namesByKind(values)).map(([kind, names]) => [kind, names.join(', ')].filter(Boolean).join(' ')),
  ];
  const head = `  ${plugin.name}${plugin.description ? `  ${plugin.description}` : ''}\n`;
  return head + brought.map((line) => `      ${line}\n`).join('');
}

function namesByKind(values: readonly { kind: string; name: string | null }[]): Record<string, string[]> {
  const kinds: Record<string, string[]> = {};
  for (const { kind, name } of values) (kinds[kind] ??= []).push(...(name === null ? [] : [name]));
  return kinds;
}
