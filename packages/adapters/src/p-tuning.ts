// SPDX-License-Identifier: Apache-2.0
/**
 * P-tuning: Liu et al., "GPT understands, too", 2021, section 3.2: the embeddings of virtual tokens before the prompt come
 * from an encoder over embeddings, an MLP or a bidirectional LSTM with an MLP behind it, which is trained with them; the
 * saved adapter holds what the encoder gives. As PEFT's (peft/tuners/p_tuning/model.py, 0.21).
 */
import type { RandomKey } from '@llmf/core';
import { tf, type Adapter, type Model, type Tensor2D } from '@llmf/nn';
import { z } from 'zod';
import { LstmHead } from './lstm.js';
import { MlpHead } from './mlp-head.js';
import { modelSizes } from './model-sizes.js';
import { PromptAdapter } from './prompt-adapter.js';
import { promptConfig, promptForm, promptKey, savedPrompt } from './prompt-folder.js';
import { normalTable, variableOf } from './variables.js';

export const pTuningOptions = z.strictObject({
  tokens: z.int().min(1).default(20).describe('Virtual tokens.'),
  encoder: z.enum(['mlp', 'lstm']).default('mlp').describe('What makes their embeddings while training.'),
  hiddenSize: z.int().min(1).optional().describe('Width of the encoder; left out: that of the model.'),
  layers: z.int().min(1).default(2).describe('Layers of the LSTM; the MLP has three.'),
});
export type PTuningOptions = z.infer<typeof pTuningOptions>;

export const pTuning: Adapter = {
  name: 'p-tuning',
  description: 'embeddings before every prompt, made by a trained encoder; the base model stays frozen',
  options: pTuningOptions,
  /** Of PEFT’s example (task guide of P-tuning for sequence classification). */
  learningRate: 1e-3,
  trainsBase: () => false,
  attach: async (model, options, random) => fresh(model, options as PTuningOptions, random),
  reads: ({ peft_type }) => peft_type === 'P_TUNING',
  load: saved,
};

/** The encoder is needed no more. */
const form = promptForm('P_TUNING', [
  'encoder_reparameterization_type',
  'encoder_hidden_size',
  'encoder_num_layers',
  'encoder_dropout',
]);

async function saved(model: Model, folder: string, option: string): Promise<PromptAdapter> {
  const { tokens, values } = await savedPrompt(folder, option, form, model.hiddenSize);
  const table = variableOf(values, [tokens, model.hiddenSize]);
  return new PromptAdapter({
    variables: new Map([[promptKey, table]]),
    peftConfig: configOf(model, tokens, { encoder: 'mlp', hiddenSize: model.hiddenSize, layers: 2 }),
    virtualTokens: { length: tokens, embeddings: () => table as unknown as Tensor2D },
  });
}

function fresh(model: Model, options: PTuningOptions, random: RandomKey): PromptAdapter {
  const { tokens, encoder: kind, hiddenSize = model.hiddenSize, layers } = options;
  const table = normalTable(random, 'embedding', [tokens, model.hiddenSize]);
  const sizes = { size: model.hiddenSize, hiddenSize, layers };
  const encoder = kind === 'lstm' ? new LstmHead(random, sizes) : new MlpHead(random, sizes);
  const embeddings = () => encoder.forward(table as unknown as Tensor2D);
  return new PromptAdapter({
    variables: new Map([
      ['prompt_encoder.embedding.weight', table],
      ...[...encoder.variables].map(([name, variable]) => [`prompt_encoder.${name}`, variable] as const),
    ]),
    peftConfig: configOf(model, tokens, { encoder: kind, hiddenSize, layers }),
    virtualTokens: { length: tokens, embeddings },
    saved: () => new Map([[promptKey, tf.tidy(embeddings)]]),
  });
}

const configOf = (
  model: Model,
  tokens: number,
  { encoder, hiddenSize, layers }: { encoder: PTuningOptions['encoder']; hiddenSize: number; layers: number },
): Record<string, unknown> => {
  const { layers: blocks, heads } = modelSizes(model);
  return {
    ...promptConfig(model, 'P_TUNING', tokens, { width: model.hiddenSize, layers: blocks, heads }),
    encoder_reparameterization_type: encoder.toUpperCase(),
    encoder_hidden_size: hiddenSize,
    encoder_num_layers: layers,
    encoder_dropout: 0,
  };
};
