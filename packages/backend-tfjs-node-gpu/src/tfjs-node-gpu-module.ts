// SPDX-License-Identifier: Apache-2.0
import { token } from '@llmf/core';
import { tf } from '@llmf/nn';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { errors } from './errors.js';
import { restoreRemovedUtils } from './removed-utils.js';

export const packageName = '@tensorflow/tfjs-node-gpu';

/** What this backend uses of `@tensorflow/tfjs-node-gpu`: it exports all of tfjs, and registers backend `tensorflow`. */
export interface TfjsNodeGpuModule {
  readonly Tensor: unknown;
  readonly version_core?: string;
  /** Versions by package, `tfjs-node` among them. */
  readonly version: Readonly<Record<string, string>>;
  setBackend(name: string): Promise<boolean>;
  getBackend(): string;
  backend(): unknown;
}

/** Register a module here and it is used in place of the installed package: another build, or a test's. */
export const TfjsNodeGpuToken = token<TfjsNodeGpuModule>('tfjs-node-gpu');

/** File that the package would be loaded from, seen from these folders in turn; null when it is not installed. */
export function findTfjsNodeGpu(folders: readonly string[]): string | null {
  for (const folder of folders) {
    try {
      return createRequire(join(folder, 'package.json')).resolve(packageName);
    } catch {
      // not there: the next folder
    }
  }
  return null;
}

/** Loads the package; TensorFlow starts as a side effect. @throws notInstalled, secondTfjs, nativeLibraryMissing */
export function loadTfjsNodeGpu(folders: readonly string[]): TfjsNodeGpuModule {
  const file = findTfjsNodeGpu(folders);
  if (file === null) throw errors.notInstalled({ folder: folders[0]! });
  const require = createRequire(file);
  const core = tfjsCoreOf(require);
  if (core !== null) checkOneTfjs(core);
  restoreRemovedUtils(require('node:util') as Record<string, unknown>);
  try {
    return require(file) as TfjsNodeGpuModule;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
    throw errors.nativeLibraryMissing({ file, reason }, { cause });
  }
}

/** The tfjs-core that the package runs on: loaded before its kernels are, which would warn once each; null: none found. */
function tfjsCoreOf(require: NodeJS.Require): TfjsCore | null {
  try {
    const fromTfjs = createRequire(require.resolve('@tensorflow/tfjs'));
    return fromTfjs('@tensorflow/tfjs-core') as TfjsCore;
  } catch {
    return null;
  }
}

interface TfjsCore {
  readonly Tensor: unknown;
  readonly version_core?: string;
}

/** Two copies of tfjs-core have two Tensor classes. @throws secondTfjs */
export function checkOneTfjs({ Tensor, version_core: theirs = 'unknown' }: TfjsCore): void {
  if (Tensor !== tf.Tensor) throw errors.secondTfjs({ theirs, ours: tf.version_core });
}
