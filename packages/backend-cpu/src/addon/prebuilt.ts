// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Addon } from './addon.js';
import { compilerFlags } from './build.js';
import { nativeSources } from './sources.js';

/** The optional dependency that brings this platform's binary, e.g. `@llmf/backend-cpu-linux-x64`. */
export const prebuiltPackage = `@llmf/backend-cpu-${process.platform}-${process.arch}`;

/** Its file carries the hash of the sources it was made of: a binary of other sources is not found. */
export const prebuiltFile = (): string => `llmf-cpu-${nativeSources(compilerFlags).hash}.node`;

/**
 * The addon of the platform's package; null when that is not installed, was made of other sources, or does not load
 * here (an older C library, say).
 *
 * @param from module whose `node_modules` are searched
 */
export function prebuiltAddon(from: string | URL = import.meta.url): Addon | null {
  const require = createRequire(from);
  const name = `${prebuiltPackage}/${prebuiltFile()}`;
  try {
    return require(process.versions['pnp'] === undefined ? installedFile(name, from) : name) as Addon;
  } catch {
    return null;
  }
}

/** In a `node_modules` of the module's folders; Node's own search goes on to NODE_PATH and folders of the home. */
function installedFile(name: string, from: string | URL): string {
  let folder = dirname(fileURLToPath(from));
  while (!existsSync(join(folder, 'node_modules', name)) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'node_modules', name);
}
