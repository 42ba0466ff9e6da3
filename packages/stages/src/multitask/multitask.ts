// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { noLoss, type LossStage } from '@llmf/training';
import { openTasks } from './open-tasks.js';
import { TaskSession } from './task-session.js';
import { multitaskOptions, type MultitaskOptions } from './options.js';

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
