// SPDX-License-Identifier: Apache-2.0
import { existsSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { readTextSync } from '../files/read-whole.js';
import { foldersAbove } from './install-command.js';

/** The part of a package.json that matters here. */
export interface PackageJson {
  readonly name?: string;
  readonly version?: string;
  readonly description?: string;
  readonly main?: string;
  readonly exports?: unknown;
  readonly keywords?: readonly string[];
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/**
 * The file that `import name` would load in a folder, or null when the package is not installed there. Node's own
 * resolution is asked only under Yarn's Plug'n'Play: it sees no `import` conditions and follows NODE_PATH.
 */
export function resolvePackage(name: string, folder: string): string | null {
  if (process.versions['pnp'] !== undefined) return resolvePlugAndPlay(name, folder);
  const found = foldersAbove(folder)
    .map((each) => join(each, 'node_modules', name))
    .find((each) => existsSync(join(each, 'package.json')));
  return found === undefined ? null : packageEntry(found);
}

function resolvePlugAndPlay(name: string, folder: string): string | null {
  try {
    return createRequire(join(folder, 'noop.js')).resolve(name);
  } catch {
    return null;
  }
}

/** The main file of a package's folder, or of a folder with an index file; null when it has none. */
export function packageEntry(folder: string): string | null {
  const { exports, main } = readPackageJson(folder) ?? {};
  const candidates = [importTarget(exports), main, 'index.js', 'index.mjs'];
  const files = candidates.filter((file) => file !== undefined).map((file) => resolve(folder, file));
  return files.find(isFile) ?? null;
}

export function readPackageJson(folder: string): PackageJson | null {
  try {
    return JSON.parse(readTextSync(join(folder, 'package.json'))) as PackageJson;
  } catch {
    return null;
  }
}

/** Version of a package as it would be imported from a folder; null when it is not installed there. */
export function installedVersion(name: string, folder: string): string | null {
  const file = resolvePackage(name, folder);
  return file === null ? null : (packageOf(file)?.version ?? null);
}

/** The package that a file belongs to, and its folder. */
function packageOf(file: string): (PackageJson & { readonly folder: string }) | null {
  for (const folder of foldersAbove(dirname(file))) {
    const json = readPackageJson(folder);
    if (json?.name !== undefined) return { ...json, folder };
  }
  return null;
}

export const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;

/** What `exports` gives for the package itself under the conditions of `import`. */
function importTarget(exports: unknown): string | undefined {
  if (typeof exports === 'string') return exports;
  if (typeof exports !== 'object' || exports === null) return undefined;
  const conditions = exports as Record<string, unknown>;
  if ('.' in conditions) return importTarget(conditions['.']);
  const chosen = Object.keys(conditions).find((key) => key === 'import' || key === 'node' || key === 'default');
  return chosen === undefined ? undefined : importTarget(conditions[chosen]);
}
