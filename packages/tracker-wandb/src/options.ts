// SPDX-License-Identifier: Apache-2.0
import { section } from '@llmf/core';
import { z } from 'zod';

const text = (meaning: string) => z.string().min(1).nullable().default(null).describe(meaning).meta({ decides: false });

export const wandbOptions = z.strictObject({
  project: text('Project the run belongs to; null: WANDB_PROJECT, else llmf.'),
  entity: text('User or team; null: WANDB_ENTITY, else the key’s own.'),
  group: text('Group of runs; null: WANDB_RUN_GROUP, else none.'),
  runName: text("Name of the run; null: WANDB_NAME, else its folder's."),
  folder: text("Where the offline folder goes; null: `wandb` in the run's folder."),
  mode: z
    .enum(['auto', 'offline', 'online'])
    .default('auto')
    .describe('auto: WANDB_MODE, else online where WANDB_API_KEY is set; the offline folder is written in any case.')
    .meta({ decides: false }),
});
export type WandbOptions = z.infer<typeof wandbOptions>;

export const wandbSection = section<WandbOptions>('wandb', '@llmf/tracker-wandb');
