// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';

const task = z.looseObject({
  stage: z.string().min(1).describe('Stage of the task’s rows.'),
  weight: z.number().positive().default(1).describe('Of its loss in the sum.'),
  loss: z
    .union([z.string(), z.looseObject({ name: z.string() })])
    .optional()
    .describe('Left out: that of the stage.'),
});

export type TaskOptions = z.output<typeof task>;

export const multitaskOptions = z.strictObject({
  tasks: z
    .record(z.string().regex(/^[A-Za-z][\w-]*$/), task)
    .describe('By name: each a stage with its options, a weight, and a loss. Entries of the data name their task.'),
});

export type MultitaskOptions = z.output<typeof multitaskOptions>;
