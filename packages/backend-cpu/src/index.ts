// SPDX-License-Identifier: Apache-2.0
import { apiVersion, BackendToken, type Plugin } from '@llmf/core';
import { cpuBackend } from './provider.js';

export { cpuBackend, cpuOptions } from './provider.js';
export { startNativeBackend, tfBackendName, type NativeOptions } from './backend/start.js';

/** Native C++ kernels as a tfjs backend. */
export default function backendCpu(): Plugin {
  return {
    name: 'backend-cpu',
    apiVersion,
    description: 'native C++ kernels for the CPU',
    apply: (engine) => engine.provide(BackendToken, cpuBackend),
  };
}
