// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { errors } from '../errors.js';
import type { Addon } from './addon.js';
import { buildAddon, builtAddon } from './build.js';
import { findCompiler } from './compiler.js';
import { prebuiltAddon } from './prebuilt.js';

/** null when the addon came prebuilt, is built or can be; else one line that says why not. */
export function addonUnavailable(): string | null {
  if (prebuiltAddon() !== null || builtAddon() !== null || findCompiler() !== null) return null;
  return 'it has to be compiled once, and no C++ compiler was found (g++, clang++ or $CXX)';
}

/**
 * The addon: the platform's prebuilt package, an earlier build, or compiled now.
 *
 * @throws LLMF_BACKEND_CPU_NO_COMPILER, LLMF_BACKEND_CPU_COMPILE, LLMF_BACKEND_CPU_PATH
 */
export async function loadAddon(): Promise<Addon> {
  const addon = prebuiltAddon() ?? loadFile(builtAddon() ?? (await buildAddon()));
  if (Object.keys(addon.kernels).length === 0) {
    throw errors.path({ wanted: addon.path, available: addon.availablePaths });
  }
  return addon;
}

const loadFile = (file: string) => createRequire(import.meta.url)(file) as Addon;
