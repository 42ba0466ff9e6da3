// SPDX-License-Identifier: Apache-2.0
import {
  createEngine,
  findPlugin,
  loadPlugin,
  type ConfigInput,
  type EngineImplementation,
  type Plugin,
} from '@llmf/core';
import { builtinPlugins } from './builtin-plugins.js';
import { refuseForeign } from './coming-from/foreign-config.js';
import { packageVersions } from './package-versions.js';
import { installFolder } from './version.js';

export interface ComposeRequest {
  /** The user's folder: names of the command line are looked for here first. */
  readonly folder: string;
  /** Plugins named on the command line. */
  readonly plugins?: readonly string[];
  /** The config, for its `plugins` and the folder these are looked for in. */
  readonly input?: ConfigInput;
  /** Plugins of the command itself (progress, plot), applied last. */
  readonly own?: readonly Plugin[];
}

export interface Composition {
  readonly engine: EngineImplementation;
  /** The plugins that the user named, in order. */
  readonly named: readonly Plugin[];
}

/** The one place where packages meet: an engine with the built-in plugins and those the user named. */
export async function composeEngine({ folder, plugins = [], input, own = [] }: ComposeRequest): Promise<Composition> {
  const engine = createEngine();
  for (const plugin of await builtinPlugins()) engine.use(plugin, 'built in');
  const loaded = new Map<string, Plugin>();
  const named: Plugin[] = [];
  const use = async (entry: string | Plugin, folders: [string, ...string[]]) => {
    const plugin = typeof entry === 'string' ? await pluginNamed(entry, folders, engine, loaded) : entry;
    engine.use(plugin, typeof entry === 'string' ? entry : 'the config');
    if (!named.includes(plugin)) named.push(plugin);
  };
  for (const entry of configPlugins(input)) await use(entry, [input!.folder, folder, installFolder]);
  for (const name of plugins) await use(name, [folder, input?.folder ?? folder, installFolder]);
  for (const plugin of own) engine.use(plugin);
  engine.hooks.config.tap('coming-from', (raw) => {
    refuseForeign(raw, engine, input);
    return raw;
  });
  engine.hooks.run.tap('versions', (run) => void (run.record['versions'] = packageVersions(folder)));
  return { engine, named };
}

/** A built-in by its name or package, a file that was already loaded, or a new one. */
async function pluginNamed(
  name: string,
  folders: [string, ...string[]],
  engine: EngineImplementation,
  loaded: Map<string, Plugin>,
): Promise<Plugin> {
  const known = engine.plugins.find((plugin) => plugin.name === name || `@llmf/${plugin.name}` === name);
  if (known !== undefined) return known;
  const found = findPlugin(name, folders);
  const plugin = loaded.get(found.file) ?? (await loadPlugin(found));
  loaded.set(found.file, plugin);
  return plugin;
}

/** Entries of the config's `plugins` that can be loaded; the others are reported when the config is checked. */
function configPlugins(input: ConfigInput | undefined): (string | Plugin)[] {
  const entries = input?.raw['plugins'];
  if (!Array.isArray(entries)) return [];
  return entries.filter(
    (entry): entry is string | Plugin =>
      typeof entry === 'string' || (typeof entry === 'object' && entry !== null && 'apply' in entry),
  );
}
