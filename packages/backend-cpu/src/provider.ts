// SPDX-License-Identifier: Apache-2.0
import type { BackendProvider, Precision } from '@llmf/core';
import { z } from 'zod';
import { addonFound, addonUnavailable } from './addon/load.js';
import { startNativeBackend, tfBackendName } from './backend/start.js';
import { nativeFormats } from './backend/weight-forms.js';
import { NativeProfile } from './profile/native-profile.js';

export const cpuOptions = z.strictObject({
  threads: z
    .number()
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Threads of the kernels; null: as many as the process may use. Results do not depend on it.')
    .meta({ decides: false }),
  packWeights: z
    .boolean()
    .default(false)
    .describe(
      'Keep frozen bf16 weights packed for products too: their size again for each direction; a product over a few ' +
        'hundred rows then takes up to a tenth less. Results do not depend on it.',
    )
    .meta({ decides: false }),
});

export const cpuBackend: BackendProvider = {
  name: 'cpu',
  description: 'native C++ kernels for this processor',
  options: cpuOptions,
  priority: 30,
  unavailable: async () => addonUnavailable(),
  found: async () => addonFound(),
  /** bf16 is offered where the processor multiplies it; asked for by name it works on every path, through float32. */
  async start(options, wanted = 'f32') {
    const { threads, packWeights } = cpuOptions.parse(options);
    const backend = await startNativeBackend({ threads });
    const { addon } = backend;
    const precisions: readonly Precision[] = addon.multipliesBf16 || wanted === 'bf16' ? ['f32', 'bf16'] : ['f32'];
    backend.roundsProducts = wanted !== 'f32' && precisions.includes('bf16');
    backend.packsWeights = packWeights;
    return {
      tfName: tfBackendName,
      precisions,
      formats: [...nativeFormats],
      numerics: `cpu-${addon.path}`,
      mapFile: (descriptor, position, length) => backend.mapFile(descriptor, position, length),
      lostPages: () => backend.lostPages(),
      profile: () => new NativeProfile(backend),
      description: `native C++ kernels, ${addon.path}`,
    };
  },
};
