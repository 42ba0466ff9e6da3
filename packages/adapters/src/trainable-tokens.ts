// SPDX-License-Identifier: Apache-2.0
/**
 * Embeddings of some tokens are trained, all other weights stay: for tokens that were added, or whose meaning changes.
 * Files are PEFT's (peft 0.21, tuners/trainable_tokens), which keeps the rows themselves; a head that is tied to the table
 * reads the trained rows too.
 */
import { resolve } from 'node:path';
import {
  freshOwn,
  readAdapterFolder,
  readOwn,
  trainableTokensOption,
  type Adapter,
  type AttachedAdapter,
  type Model,
  type OwnModules,
  type PeftForm,
} from '@llmf/nn';
import { z } from 'zod';
import { errors } from './errors.js';

export const trainableTokensOptions = z.strictObject({
  tokens: trainableTokensOption
    .default([])
    .describe('Which: ids or texts that are one token, of the model’s embeddings or, by its name, of a module.'),
  path: z
    .string()
    .optional()
    .describe('Continue from this PEFT adapter folder; its tokens hold.')
    .meta({ decides: 'content' }),
});
export type TrainableTokensOptions = z.infer<typeof trainableTokensOptions>;

export const trainableTokens: Adapter = {
  name: 'trainable-tokens',
  description: 'embeddings of some tokens; the base model stays frozen',
  options: trainableTokensOptions,
  trainsBase: () => false,
  async attach(model, options, random, folder, tokenize) {
    const { tokens, path } = options as TrainableTokensOptions;
    if (path !== undefined) return await saved(model, resolve(folder, path), 'adapter.path');
    const request = {
      modulesToSave: [],
      trainableTokens: tokens,
      tables: [],
      areAlone: true,
      rankOf: () => ({ rank: 0, scale: 0 }),
    };
    const own = await freshOwn(model, request, random, tokenize);
    if (own === null) throw errors.noTokens({});
    return adapterOf(model, own);
  },
  reads: ({ peft_type }) => peft_type === 'TRAINABLE_TOKENS',
  load: saved,
};

const form = {
  expected: 'trained tokens as PEFT writes them',
  computed: z.looseObject({
    peft_type: z.literal('TRAINABLE_TOKENS'),
    token_indices: z.array(z.int().min(0)).min(1),
  }),
  silent: new Set(['target_modules', 'init_weights']),
  reads: (tensor: string) => tensor.endsWith('trainable_tokens_delta'),
} satisfies PeftForm;

async function saved(model: Model, folder: string, option: string): Promise<AttachedAdapter> {
  const file = await readAdapterFolder(folder, option, form);
  const strange = Object.keys(file.tensors).find((key) => !form.reads(key));
  if (strange !== undefined) throw file.misfit(strange, 'trainable_tokens_delta of a table of embeddings');
  const config = { trainable_token_indices: file.config.token_indices };
  const own = await readOwn(model, file, config, () => ({ rank: 0, scale: 0 }), { areAlone: true });
  if (own === null) throw file.misfit('no tensors', 'trainable_tokens_delta of a table of embeddings');
  return adapterOf(model, own);
}

const adapterOf = (model: Model, own: OwnModules): AttachedAdapter => ({
  variables: own.variables,
  replaced: own.replaced,
  peftConfig: {
    peft_type: 'TRAINABLE_TOKENS',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: model.config['_name_or_path'] ?? '',
    inference_mode: true,
    init_weights: true,
    ...own.peftConfig,
  },
  isIdentity: own.isIdentity,
  lowRank: () => null,
  merged: () => null,
  changes: () => false,
  saved: () => own.saved(),
  ownWeights: () => own.ownWeights(),
  dispose: () => own.dispose(),
});
