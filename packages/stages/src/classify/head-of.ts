// SPDX-License-Identifier: Apache-2.0
import type { Head } from '@llmf/nn';
import type { TaskOfRun } from '@llmf/training';

/** A classifier's head in the language model's place; of one of several tasks beside it, under the task's name. */
export const headOf = (form: Omit<Head, 'name'>, task: TaskOfRun | undefined): Head =>
  task === undefined
    ? { ...form, name: 'score', replacesLanguageModel: true }
    : { ...form, name: task.task, bias: true };
