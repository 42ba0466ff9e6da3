// SPDX-License-Identifier: Apache-2.0
/**
 * Masked language modelling: Devlin et al., "BERT: pre-training of deep bidirectional transformers", 2019
 * (arXiv:1810.04805), section 3.1, task 1. Of the chosen tokens 80 % become the mask, 10 % another token, 10 % stay; the
 * loss is the likelihood of what stood there. Reference: Transformers 5.18, data/data_collator.py,
 * DataCollatorForLanguageModeling. Difference: of every text at least one token is chosen.
 */
import type { Stage } from '@llmf/core';
import { createLossSession, DataServiceToken, type LossStage } from '@llmf/training';
import { errors } from '../errors.js';
import { masking } from './masking.js';
import { maskedOptions, type MaskedOptions } from './options.js';

export const masked: Stage & LossStage = {
  name: 'masked',
  description: 'plain text: learn tokens that are hidden (for encoders)',
  rows: 'text',
  options: maskedOptions,
  defaults: { loss: 'sft' },
  /** RoBERTa’s fine-tuning of all weights; run_mlm.py takes 5e-5. */
  learningRates: { adapter: 2e-4, full: 5e-5 },
  async parts(run, options) {
    const text = await run.container.resolve(DataServiceToken).text(run);
    if (text?.maskId == null) throw errors.noMask({});
    const { seed } = run.config.train;
    return { changes: { batch: masking({ ...(options as MaskedOptions), seed, text, maskId: text.maskId }) } };
  },
  prepare: (run, options) => createLossSession(run, masked, options),
};
