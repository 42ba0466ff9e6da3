// SPDX-License-Identifier: Apache-2.0
import type { Stage } from '@llmf/core';
import { createLossSession, noLoss, type Loss, type LossStage } from '@llmf/training';
import { z } from 'zod';
import { errors } from '../errors.js';
import { infoNce, type InfoNceOptions } from './info-nce.js';
import { writePooling } from './pooling-files.js';

export const contrastiveOptions = z.strictObject({
  temperature: z.number().positive().default(0.05).describe('Of the similarities; sentence-transformers’ scale 20.'),
  pooling: z
    .enum(['mean', 'first', 'last'])
    .default('mean')
    .describe('What of a text’s hidden states is its vector: their mean, the first token’s, or the last one’s.'),
  normalize: z.boolean().default(true).describe('Compare directions alone: cosine similarity.'),
  symmetric: z.boolean().default(false).describe('Learn from each positive to the anchors as well.'),
});

/** Texts of one meaning: their vectors become nearer to each other than to those of the other rows of the batch. */
export const contrastive: Stage & LossStage = {
  name: 'contrastive',
  description: 'texts that mean the same: learn vectors that are near (sentence embeddings)',
  rows: 'similar',
  options: contrastiveOptions,
  defaults: { loss: noLoss },
  /** sentence-transformers’ training scripts. */
  learningRates: { adapter: 2e-4, full: 2e-5 },
  async parts(run, options, task) {
    const chosen = options as InfoNceOptions;
    const { batchSize } = run.config.train;
    if (batchSize < 2) throw errors.oneRow({ rows: batchSize });
    if (task === undefined) writePooling(run, chosen);
    return { terms: [{ loss: infoNce as Loss, options: chosen as never, weight: 1 }] };
  },
  prepare: (run, options) => createLossSession(run, contrastive, options),
};
