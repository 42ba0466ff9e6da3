// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { foldersAbove } from './install-command.js';
import { readPackageJson, type PackageJson } from './package-entry.js';

export interface InstalledPlugin {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly folder: string;
}

/**
 * Packages that a `--plugin` from this folder could load: those in a node_modules above it that say they are plugins
 * of llmf (keyword `llmf-plugin`, or `@llmf/core` among their peers). The nearest copy of a name counts.
 */
export function installedPlugins(folder: string): InstalledPlugin[] {
  const found = new Map<string, InstalledPlugin>();
  for (const each of foldersAbove(folder)) {
    for (const packageFolder of packageFolders(join(each, 'node_modules'))) {
      const json = readPackageJson(packageFolder);
      if (json === null || !isPlugin(json) || found.has(json.name!)) continue;
      const { name, version = '?', description = '' } = json;
      found.set(name!, { name: name!, version, description, folder: packageFolder });
    }
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** Names worth opening: `@llmf/…`, `llmf-…`, `@scope/llmf-…`. */
function packageFolders(modules: string): string[] {
  return entries(modules).flatMap((name) => {
    if (name.startsWith('llmf-')) return [join(modules, name)];
    if (!name.startsWith('@')) return [];
    const inside = entries(join(modules, name)).filter((inner) => name === '@llmf' || inner.startsWith('llmf-'));
    return inside.map((inner) => join(modules, name, inner));
  });
}

function isPlugin({ name, keywords, peerDependencies }: PackageJson): boolean {
  if (name === undefined) return false;
  return (keywords?.includes('llmf-plugin') ?? false) || peerDependencies?.['@llmf/core'] !== undefined;
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
