// SPDX-License-Identifier: Apache-2.0
/**
 * Prompt tuning: Lester et al., "The power of scale for parameter-efficient prompt tuning", EMNLP 2021: the embeddings of
 * some virtual tokens before the prompt are all that is trained. Starts and files as PEFT's (peft/tuners/prompt_tuning).
 */
import { resolve } from 'node:path';
import { normals, uniforms, type RandomKey } from '@llmf/core';
import { tf, type Adapter, type Model, type Tensor2D, type Tokenize } from '@llmf/nn';
import { z } from 'zod';
import { errors } from './errors.js';
import { modelSizes } from './model-sizes.js';
import { PromptAdapter } from './prompt-adapter.js';
import { promptConfig, promptForm, promptKey, savedPrompt } from './prompt-folder.js';
import { variableOf } from './variables.js';

export const promptTuningOptions = z.strictObject({
  tokens: z.int().min(1).default(20).describe('Virtual tokens (Lester et al. find little gain beyond 20).'),
  init: z
    .union([z.enum(['random', 'vocabulary']), z.strictObject({ text: z.string() })])
    .default('random')
    .describe(
      'Their embeddings at the start: normal numbers (PEFT’s default), those of tokens drawn from the vocabulary, or those of a `text`, repeated or cut to their number.',
    ),
  path: z
    .string()
    .optional()
    .describe('Continue from this PEFT adapter folder; its tokens hold.')
    .meta({ decides: 'content' }),
});
export type PromptTuningOptions = z.infer<typeof promptTuningOptions>;

export const promptTuning: Adapter = {
  name: 'prompt-tuning',
  description: 'learned embeddings before every prompt; the base model stays frozen',
  options: promptTuningOptions,
  /** Of PEFT’s example (examples/causal_language_modeling); Lester et al. train at 0.3 with Adafactor. */
  learningRate: 3e-2,
  trainsBase: () => false,
  async attach(model, options, random, folder, tokenize) {
    const { path, tokens, init } = options as PromptTuningOptions;
    if (path !== undefined) return await saved(model, resolve(folder, path), 'adapter.path');
    return promptAdapter(model, tokens, await initialValues(model, tokens, init, random, tokenize));
  },
  reads: ({ peft_type }) => peft_type === 'PROMPT_TUNING',
  load: saved,
};

const form = promptForm('PROMPT_TUNING', [
  'prompt_tuning_init',
  'prompt_tuning_init_text',
  'tokenizer_name_or_path',
  'tokenizer_kwargs',
]);

async function saved(model: Model, folder: string, option: string): Promise<PromptAdapter> {
  const { tokens, values } = await savedPrompt(folder, option, form, model.hiddenSize);
  return promptAdapter(model, tokens, values);
}

function promptAdapter(model: Model, tokens: number, values: Float32Array): PromptAdapter {
  const { layers, heads } = modelSizes(model);
  const table = variableOf(values, [tokens, model.hiddenSize]);
  return new PromptAdapter({
    variables: new Map([[promptKey, table]]),
    peftConfig: {
      ...promptConfig(model, 'PROMPT_TUNING', tokens, { width: model.hiddenSize, layers, heads }),
      prompt_tuning_init: 'RANDOM', // how it began does not matter to a saved one
      prompt_tuning_init_text: null,
      tokenizer_name_or_path: null,
    },
    virtualTokens: { length: tokens, embeddings: () => table as unknown as Tensor2D },
  });
}

/** [tokens, C], row by row. @throws LLMF_ADAPTERS_NO_TOKENIZER, LLMF_ADAPTERS_EMPTY_TEXT */
async function initialValues(
  model: Model,
  tokens: number,
  init: PromptTuningOptions['init'],
  random: RandomKey,
  tokenize: Tokenize | undefined,
): Promise<Float32Array> {
  if (init === 'random') return normals(random, promptKey, tokens * model.hiddenSize);
  const { vocabularySize } = model;
  const ids =
    init === 'vocabulary'
      ? Int32Array.from(uniforms(random, promptKey, tokens), (draw) => Math.floor(draw * vocabularySize))
      : await idsOf(init.text, tokens, tokenize);
  const embedded = tf.tidy(() => model.embed(ids));
  const values = (await embedded.data()) as Float32Array;
  embedded.dispose();
  return values.slice();
}

/** The text's ids, over and over until there are enough. */
async function idsOf(text: string, tokens: number, tokenize: Tokenize | undefined): Promise<Int32Array> {
  const ids = (await tokenize?.(text)) ?? null;
  if (ids === null) throw errors.noTokenizer({});
  if (ids.length === 0) throw errors.emptyText({ text });
  return Int32Array.from({ length: tokens }, (_, at) => ids[at % ids.length]!);
}
