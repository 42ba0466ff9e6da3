// SPDX-License-Identifier: Apache-2.0
import type { BackendProvider } from '@llmf/core';
import { z } from 'zod';
import { addonUnavailable } from './addon/load.js';
import { startNativeBackend, tfBackendName, type NativeOptions } from './backend/start.js';

export const cpuOptions = z.strictObject({
  threads: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Threads of the kernels; null: as many as the process may use. Results do not depend on it.'),
});

export const cpuBackend: BackendProvider = {
  name: 'cpu',
  description: 'native C++ kernels for this processor',
  options: cpuOptions,
  priority: 30,
  unavailable: async () => addonUnavailable(),
  async start(options) {
    const { addon } = await startNativeBackend(cpuOptions.parse(options) as NativeOptions);
    return {
      tfName: tfBackendName,
      precisions: ['f32'],
      numerics: `cpu-${addon.path}`,
      description: `native C++ kernels, ${addon.path}`,
    };
  },
};
