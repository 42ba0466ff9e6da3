// SPDX-License-Identifier: Apache-2.0
import { apiVersion, BackendToken, type Engine, type Plugin } from '@llmf/core';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findTfjsNodeGpu, loadTfjsNodeGpu, packageName, TfjsNodeGpuToken } from './tfjs-node-gpu-module.js';
import { tfjsNodeGpuBackend, type TfjsNodeGpuSource } from './tfjs-node-gpu-backend.js';

export { TfjsNodeGpuToken, type TfjsNodeGpuModule } from './tfjs-node-gpu-module.js';
export { tfjsNodeGpuBackend };

/** Plugin that brings backend `tfjs-node-gpu`. */
export default function backendTfjsNodeGpu(): Plugin {
  return {
    name: 'backend-tfjs-node-gpu',
    apiVersion,
    description: `TensorFlow on an NVIDIA GPU, through ${packageName}`,
    apply: (engine) => engine.provide(BackendToken, tfjsNodeGpuBackend(sourceOf(engine))),
  };
}

/** The module registered under the token, else the package installed in the user's folder or beside this one. */
function sourceOf(engine: Engine): TfjsNodeGpuSource {
  const folders = [process.cwd(), dirname(fileURLToPath(import.meta.url))];
  const isInjected = () => engine.container.has(TfjsNodeGpuToken);
  return {
    missing: () => (isInjected() || findTfjsNodeGpu(folders) ? null : `${packageName} is not installed`),
    load: () => (isInjected() ? engine.container.resolve(TfjsNodeGpuToken) : loadTfjsNodeGpu(folders)),
  };
}
