// SPDX-License-Identifier: Apache-2.0
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from '../contracts/engine.js';
import { coreErrors } from '../core-errors.js';
import { checkPluginShape } from '../engine/plugin-shape.js';
import { LlmfError } from '../errors.js';
import { isThereSync } from '../files/if-there.js';
import { editDistance } from '../text/nearest.js';
import { installCommand } from './install-command.js';
import { installedPlugins } from './installed-plugins.js';
import { isFile, packageEntry, resolvePackage } from './package-entry.js';

export interface PluginFile {
  /** As the user wrote it. */
  readonly name: string;
  readonly file: string;
}

/**
 * Finds what `--plugin NAME` means, looking from each folder in turn (the user's, then that of llmf itself):
 * `loss-simpo` is @llmf/loss-simpo, llmf-loss-simpo, llmf-plugin-loss-simpo, or a path; a scoped name is taken as given.
 * @throws LLMF_CORE_PLUGIN_NOT_FOUND with the names tried and the command that installs it; …_FILE_MISSING for a path.
 */
export function findPlugin(name: string, folders: readonly [string, ...string[]]): PluginFile {
  const [folder] = folders;
  if (isPath(name)) {
    const file = pathTarget(resolve(folder, name));
    if (file === null) throw coreErrors.pluginFileMissing({ path: resolve(folder, name) });
    return { name, file };
  }
  const tried = packageNames(name);
  for (const each of folders) {
    for (const candidate of tried) {
      const file = resolvePackage(candidate, each);
      if (file !== null) return { name, file };
    }
  }
  const file = pathTarget(resolve(folder, name));
  if (file !== null) return { name, file };
  const installed = folders.flatMap((each) => installedPlugins(each)).map((plugin) => plugin.name);
  throw coreErrors.pluginNotFound({
    name,
    tried: [...tried, `./${name}`],
    folder,
    similar: installed.find((other) => editDistance(other, tried[0]!) <= 2) ?? null,
    install: installCommand(tried[0]!, folder),
  });
}

/**
 * Imports a plugin: the default export is a factory or the plugin itself.
 * @throws LLMF_CORE_PLUGIN_LOAD, LLMF_CORE_PLUGIN_SHAPE
 */
export async function loadPlugin({ name, file }: PluginFile): Promise<Plugin> {
  try {
    const module = (await import(pathToFileURL(file).href)) as { default?: unknown };
    const exported = unwrapped(module.default);
    const plugin: unknown = typeof exported === 'function' ? await exported() : exported;
    checkPluginShape(plugin, file);
    return plugin;
  } catch (error) {
    if (LlmfError.is(error)) throw error;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw coreErrors.pluginLoad({ name, file, reason }, { cause: error });
  }
}

function packageNames(name: string): string[] {
  if (name.startsWith('@')) return [name];
  const names = [`@llmf/${name}`, `llmf-${name}`, `llmf-plugin-${name}`];
  return name.startsWith('llmf-') ? [name, ...names] : names;
}

const isPath = (name: string) => /^\.{1,2}([/\\]|$)|\.[cm]?js$/.test(name) || isAbsolute(name);

function pathTarget(path: string): string | null {
  if (!isThereSync(path)) return null;
  return isFile(path) ? path : packageEntry(path);
}

/** A CommonJS build of an ES module keeps its default export one level down. */
function unwrapped(exported: unknown): unknown {
  const inner =
    typeof exported === 'object' && exported !== null ? (exported as { default?: unknown }).default : undefined;
  return inner ?? exported;
}
