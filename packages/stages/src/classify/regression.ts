// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, noLoss, type Loss, type LossStage } from '@llmf/training';
import { z } from 'zod';
import { classifyLoss, type ClassifyOptions } from './classify-loss.js';
import { headOf } from './head-of.js';

export const regressionOptions = z.strictObject({
  outputs: z.int().min(1).default(1).describe('Numbers that each text has.'),
});

/** Texts and a number (or several) of each: a head learns it by squared error. */
export const regression: Stage & LossStage = {
  name: 'regression',
  description: 'texts with a number, or several',
  rows: 'classified',
  options: regressionOptions,
  defaults: { loss: noLoss },
  learningRates: { adapter: 3e-4, full: 2e-5 },
  async parts(_run, options, task) {
    const { outputs } = options as z.infer<typeof regressionOptions>;
    const head = headOf({ outputs, at: 'last', problem: 'regression' }, task);
    const chosen: ClassifyOptions = { head, form: 'numbers' };
    return {
      terms: [{ loss: classifyLoss as Loss, options: chosen as never, weight: 1 }],
      labels: { form: 'numbers', names: [] },
    };
  },
  prepare: (run, options) => createLossSession(run, regression, options),
};
