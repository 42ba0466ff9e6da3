// SPDX-License-Identifier: Apache-2.0
import { resolvePackage, token } from '@llmf/core';
import { pathToFileURL } from 'node:url';
import { errors } from '../errors.js';

/** What this backend uses of the package `webgpu`: Dawn, Google's implementation of WebGPU, for Node.js. */
export interface Dawn {
  /** A new instance; the process ends by itself only when nothing holds it globally. */
  create(options: string[]): GPU;
  /** The names that a browser has globally: GPUBuffer, GPUBufferUsage, … */
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Register a module here and it is used in place of the installed package: another build of Dawn, or a test's. */
export const DawnToken = token<Dawn>('webgpu-dawn');

/** File that the package would be loaded from, seen from these folders in turn; null when it is not installed. */
export function findDawn(folders: readonly string[]): string | null {
  for (const folder of folders) {
    const file = resolvePackage('webgpu', folder);
    if (file !== null) return file;
  }
  return null;
}

/** @throws notInstalled, notLoadable */
export async function loadDawn(folders: readonly string[]): Promise<Dawn> {
  const file = findDawn(folders);
  if (file === null) throw errors.notInstalled({ folder: folders[0]! });
  try {
    return (await import(pathToFileURL(file).href)) as Dawn;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
    throw errors.notLoadable({ file, reason }, { cause });
  }
}
