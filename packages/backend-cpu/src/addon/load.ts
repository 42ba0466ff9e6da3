// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { errors } from '../errors.js';
import type { Addon } from './addon.js';
import { buildAddon, builtAddon } from './build.js';
import { findCompiler } from './compiler.js';

/** null when the addon is built or can be; else one line that says why not. */
export function addonUnavailable(): string | null {
  if (builtAddon() !== null || findCompiler() !== null) return null;
  return 'it has to be compiled once, and no C++ compiler was found (g++, clang++ or $CXX)';
}

/**
 * The addon, compiled first if need be.
 *
 * @throws LLMF_BACKEND_CPU_NO_COMPILER, LLMF_BACKEND_CPU_COMPILE, LLMF_BACKEND_CPU_PATH
 */
export async function loadAddon(): Promise<Addon> {
  const file = builtAddon() ?? (await buildAddon());
  const addon = createRequire(import.meta.url)(file) as Addon;
  if (Object.keys(addon.kernels).length === 0) {
    throw errors.path({ wanted: addon.path, available: addon.availablePaths });
  }
  return addon;
}
