// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
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
  try {
    return createRequire(from)(`${prebuiltPackage}/${prebuiltFile()}`) as Addon;
  } catch {
    return null;
  }
}
