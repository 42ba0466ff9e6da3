// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, noLoss, type Loss, type LossStage } from '@llmf/training';
import { z } from 'zod';
import { classifyLoss, type ClassifyOptions } from './classify-loss.js';
import { headOf } from './head-of.js';
import { labelNames } from './label-names.js';

export const classificationOptions = z.strictObject({
  labels: z
    .array(z.string().min(1))
    .min(2)
    .nullable()
    .default(null)
    .describe('Names of the classes, in the order of their numbers; null: those of the model or of the rows.'),
  multiLabel: z.boolean().default(false).describe('Any number of the labels may hold of a text.'),
});
export type ClassificationOptions = z.infer<typeof classificationOptions>;

/** Texts and what they are: a head learns their class, or which of several labels hold. */
export const classification: Stage & LossStage = {
  name: 'classification',
  description: 'texts with the name of their class, or with several labels',
  rows: 'classified',
  options: classificationOptions,
  defaults: { loss: noLoss },
  /** Transformers’ run_classification.py and PEFT’s sequence classification example. */
  learningRates: { adapter: 3e-4, full: 2e-5 },
  async parts(run, options, task) {
    const { labels, multiLabel } = options as ClassificationOptions;
    const names = await labelNames(run, labels, task?.task);
    const problem = multiLabel ? 'multi_label_classification' : 'single_label_classification';
    const head = headOf({ outputs: names.length, at: 'last', labels: names, problem }, task);
    const chosen: ClassifyOptions = { head, form: multiLabel ? 'classes' : 'class' };
    return {
      terms: [{ loss: classifyLoss as Loss, options: chosen as never, weight: 1 }],
      labels: { form: chosen.form, names },
    };
  },
  prepare: (run, options) => createLossSession(run, classification, options),
};
