// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { errors } from '../errors.js';
import type { Addon } from './addon.js';
import { buildAddon, buildFolderUnavailable, builtAddon } from './build.js';
import { findCompiler } from './compiler.js';
import { allPaths, forcedPath, pathsToCompile, statedPaths } from './paths.js';
import { prebuiltAddon } from './prebuilt.js';

/** null when the addon came prebuilt, is built and loads, or can be built; else one line that says why not. */
export function addonUnavailable(): string | null {
  if (prebuiltAddon() !== null) return null;
  const built = builtAddon();
  if (built !== null) return whyNotLoaded(built);
  if (findCompiler() !== null) return buildFolderUnavailable();
  return 'it has to be compiled once, and no C++ compiler was found (g++, clang++ or $CXX)';
}

/** The kernels that would compute, without compiling them now. */
export function addonFound(): string {
  const prebuilt = prebuiltAddon();
  if (prebuilt !== null) return `kernels for ${prebuilt.path}, prebuilt`;
  const built = builtAddon();
  if (built !== null) return `kernels for ${loadFile(built).path}, compiled here`;
  return `the first run compiles the kernels (${findCompiler()}), about a quarter of a minute`;
}

/** null when the file loads; else one line. */
export function whyNotLoaded(file: string): string | null {
  try {
    loadFile(file);
    return null;
  } catch (error) {
    const message = (error as Error).message.split('\n', 1)[0]!;
    return `the compiled ${file} does not load (${message}); once it is deleted, it is compiled again`;
  }
}

/**
 * The addon: the platform's prebuilt package, an earlier build, or compiled now.
 *
 * @throws LLMF_BACKEND_CPU_NO_COMPILER, LLMF_BACKEND_CPU_COMPILE, LLMF_BACKEND_CPU_PATH
 */
export async function loadAddon(): Promise<Addon> {
  const found = prebuiltAddon() ?? (await compiledAddon(pathsToCompile()));
  // A system may withhold what the processor states: then the best of all paths is taken.
  const addon = hasKernels(found) || forcedPath() !== null ? found : await compiledAddon(allPaths);
  if (!hasKernels(addon)) throw errors.path({ wanted: addon.path, available: addon.availablePaths });
  return addon;
}

async function compiledAddon(paths: readonly string[]): Promise<Addon> {
  const built = builtAddon(paths);
  if (built === null) checkForcedPath();
  return loadFile(built ?? (await buildAddon({ paths })));
}

/** Before it is compiled in vain. */
function checkForcedPath(): void {
  const [forced, stated] = [forcedPath(), statedPaths()];
  if (forced === null) return;
  const emulated = forced === 'amx-emulated' && (stated ?? allPaths).includes('avx512');
  const isKnown = emulated || (stated ?? allPaths).includes(forced);
  if (!isKnown) throw errors.path({ wanted: forced, available: (stated ?? allPaths).join(', ') });
}

const hasKernels = (addon: Addon) => Object.keys(addon.kernels).length > 0;

function loadFile(file: string): Addon {
  return createRequire(import.meta.url)(file) as Addon;
}
