// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { noLoss, type LossStage } from '@llmf/training';
import { z } from 'zod';
import { openTasks } from './open-tasks.js';
import { TaskSession } from './task-session.js';

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

/**
 * Several stages' rows in one run: every step takes a batch of each task, and the loss is the weighted sum of theirs. Heads
 * of classifiers stand beside the language model, each under the name of its task.
 */
export const multitask: Stage & LossStage = {
  name: 'multitask',
  description: 'rows of several stages in one run, each loss with its weight',
  rows: 'tasks',
  options: multitaskOptions,
  defaults: { loss: noLoss },
  learningRates: { adapter: 2e-4, full: 2e-5 },
  async prepare(run, options) {
    return new TaskSession(await openTasks(run, multitask, options as MultitaskOptions));
  },
};
