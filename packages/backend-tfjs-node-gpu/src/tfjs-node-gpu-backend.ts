// SPDX-License-Identifier: Apache-2.0
import type { BackendProvider, StartedBackend } from '@llmf/core';
import { tf } from '@llmf/nn';
import { errors } from './errors.js';
import { checkOneTfjs, packageName, type TfjsNodeGpuModule } from './tfjs-node-gpu-module.js';

export interface TfjsNodeGpuSource {
  /** null when the module can be had, else one line that says why not. Loads nothing. */
  missing(): string | null;
  load(): TfjsNodeGpuModule;
}

/** TensorFlow's own GPU backend. Taken only by name: it needs a CUDA of 2021 and an install of 400 MB. */
export function tfjsNodeGpuBackend(source: TfjsNodeGpuSource): BackendProvider {
  return {
    name: 'tfjs-node-gpu',
    description: `TensorFlow on an NVIDIA GPU, through ${packageName}`,
    priority: 0,
    unavailable: async () => source.missing(),
    start: async () => await start(source.load()),
  };
}

async function start(module: TfjsNodeGpuModule): Promise<StartedBackend> {
  checkOneTfjs(module);
  await module.setBackend('tensorflow');
  if (tf.getBackend() !== 'tensorflow') throw errors.startFailed({ current: tf.getBackend() });
  checkGpu(tf.backend());
  const version = module.version['tfjs-node'] ?? 'unknown';
  return {
    tfName: 'tensorflow',
    precisions: ['f32'],
    numerics: `tfjs-node-gpu-${version}`,
    description: `TensorFlow on a GPU (tfjs-node-gpu ${version})`,
  };
}

/** Without its CUDA libraries TensorFlow only warns and computes on the CPU. */
function checkGpu(backend: object): void {
  if ('isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true) return;
  throw errors.noGpu({ node: process.versions.node });
}
