// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, noLabel, noLoss, type Batch, type Loss, type LossStage } from '@llmf/training';
import { z } from 'zod';
import { atOwnPlaces } from '../own-places.js';
import { classifyLoss, type ClassifyOptions } from './classify-loss.js';
import { headOf } from './head-of.js';
import { labelNames } from './label-names.js';

export const tokenClassificationOptions = z.strictObject({
  labels: z
    .array(z.string().min(1))
    .min(2)
    .nullable()
    .default(null)
    .describe('Names of the tags, in the order of their numbers; null: those of the model or of the rows.'),
});

/** Words and a tag of each (names, parts of speech): a head reads the token with which each word begins. */
export const tokenClassification: Stage & LossStage = {
  name: 'token-classification',
  description: 'words with a tag each',
  rows: 'classified',
  options: tokenClassificationOptions,
  defaults: { loss: noLoss },
  learningRates: { adapter: 3e-4, full: 2e-5 },
  async parts(run, options, task) {
    const { labels } = options as z.infer<typeof tokenClassificationOptions>;
    const names = await labelNames(run, labels, task?.task);
    const head = headOf({ outputs: names.length, at: 'token', bias: true, labels: names }, task);
    const chosen: ClassifyOptions = { head, form: 'words' };
    return {
      terms: [{ loss: classifyLoss as Loss, options: chosen as never, weight: 1 }],
      labels: { form: 'words', names },
      changes: { batch: labelledPlaces },
    };
  },
  prepare: (run, options) => createLossSession(run, tokenClassification, options),
};

/** The batch with its labelled tokens as the counted ones, each at its own place, and their labels. */
export function labelledPlaces(batch: Batch): Batch {
  const labels = batch.labels!; // [T]: rows of one text without a prompt lie as they are packed
  const places = [...labels.keys()].filter((place) => labels[place] !== noLabel);
  return { ...atOwnPlaces(batch, batch.ids, places), labels: Float32Array.from(places, (place) => labels[place]!) };
}
