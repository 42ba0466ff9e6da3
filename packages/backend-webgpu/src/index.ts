// SPDX-License-Identifier: Apache-2.0
import { apiVersion, BackendToken, type Engine, type Plugin } from '@llmf/core';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DawnToken, loadDawn } from './device/dawn.js';
import { webGpuBackend, type DawnSource } from './provider.js';

export { DawnToken, type Dawn } from './device/dawn.js';
export { webGpuBackend, type DawnSource };

/** Plugin that brings backend `webgpu`. */
export default function backendWebgpu(): Plugin {
  return {
    name: 'backend-webgpu',
    apiVersion,
    description: 'any GPU with a Vulkan, Direct3D 12 or Metal driver, through the package webgpu',
    apply: (engine) => engine.provide(BackendToken, webGpuBackend(sourceOf(engine))),
  };
}

/** The module registered under the token, else the package installed in the user's folder or beside this one. */
function sourceOf(engine: Engine): DawnSource {
  const folders = [process.cwd(), dirname(fileURLToPath(import.meta.url))];
  return {
    load: async () => (engine.container.has(DawnToken) ? engine.container.resolve(DawnToken) : await loadDawn(folders)),
  };
}
