// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { BackendToken } from '../contracts/backend.js';
import type { Engine, Inferred, Slot } from '../contracts/engine.js';
import { RowKindToken, StageToken } from '../contracts/stage.js';

/** The choices whose contracts are the engine's own. */
export const coreSlots: readonly Slot[] = [
  {
    key: 'stage',
    token: StageToken,
    description: 'Kind of training; left out, it follows from the plugin, the loss or the rows.',
    default: null,
    brought: true,
    implies: (key, [stage], engine) => engine.find(StageToken, stage!.name).defaults?.[key] ?? null,
    inferred: stageOfRows,
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

/** The one stage that trains on such rows as the config names. */
async function stageOfRows(
  raw: Readonly<Record<string, unknown>>,
  folder: string,
  engine: Engine,
): Promise<Inferred | null> {
  const [tell] = engine.container.resolveAll(RowKindToken);
  const kind = (await tell?.(raw, folder)) ?? null;
  const stages = engine.container.resolveAll(StageToken).filter(({ rows }) => rows === kind);
  return stages.length === 1 ? { name: stages[0]!.name, because: `the training rows are of kind ${kind}` } : null;
}
