// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { BackendToken } from '../contracts/backend.js';
import type { Slot } from '../contracts/engine.js';
import { StageToken } from '../contracts/stage.js';

/** The choices whose contracts are the engine's own. */
export const coreSlots: readonly Slot[] = [
  {
    key: 'stage',
    token: StageToken,
    description: 'Kind of training; left out, it follows from the plugin or the loss.',
    default: null,
    brought: true,
    implies: (key, [stage], engine) => engine.find(StageToken, stage!.name).defaults?.[key] ?? null,
  },
  {
    key: 'backend',
    token: BackendToken,
    description: 'What computes; auto takes the fastest that starts here.',
    default: 'auto',
    none: ['auto'],
    shared: z.strictObject({
      precision: z
        .enum(['auto', 'f32', 'bf16'])
        .default('auto')
        .describe(
          'Of products; auto is bf16 where the backend has it. Frozen weights stay as their file has them: see quantization.',
        ),
    }),
  },
];
