// SPDX-License-Identifier: Apache-2.0
/**
 * Prefix tuning: Li and Liang, "Prefix-tuning: optimizing continuous prompts for generation", ACL 2021: keys and values
 * before those of the sequence, in every layer, are all that is trained; with `projection` they come from an MLP over
 * embeddings (section 4.3), which the saved adapter no longer needs. Layout and files as PEFT's
 * (peft/tuners/prefix_tuning; peft_model.py, get_prompt): [tokens, layers · 2 · G · D], a layer's keys before its values.
 */
import { resolve } from 'node:path';
import { normals, type RandomKey } from '@llmf/core';
import {
  linear,
  tf,
  type Adapter,
  type KeysBefore,
  type Model,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from '@llmf/nn';
import { z } from 'zod';
import { modelSizes, type ModelSizes } from './model-sizes.js';
import { PromptAdapter } from './prompt-adapter.js';
import { promptConfig, promptForm, promptKey, savedPrompt } from './prompt-folder.js';
import { normalTable, uniformWeight, variableOf } from './variables.js';

export const prefixTuningOptions = z.strictObject({
  tokens: z.int().min(1).default(20).describe('Keys and values before each sequence, in every layer.'),
  projection: z.boolean().default(false).describe('Make them by an MLP over embeddings while training.'),
  hiddenSize: z.int().min(1).optional().describe('Width of that MLP; left out: that of a layer’s keys.'),
  path: z
    .string()
    .optional()
    .describe('Continue from this PEFT adapter folder; its tokens hold.')
    .meta({ decides: 'content' }),
});
export type PrefixTuningOptions = z.infer<typeof prefixTuningOptions>;

export const prefixTuning: Adapter = {
  name: 'prefix-tuning',
  description: 'learned keys and values before every sequence; the base model stays frozen',
  options: prefixTuningOptions,
  /** Of PEFT’s example (examples/conditional_generation, peft_prefix_tuning_seq2seq). */
  learningRate: 1e-2,
  trainsBase: () => false,
  async attach(model, options, random, folder) {
    const { path, ...wanted } = options as PrefixTuningOptions;
    return path === undefined
      ? fresh(model, wanted, random)
      : await saved(model, resolve(folder, path), 'adapter.path');
  },
  reads: ({ peft_type }) => peft_type === 'PREFIX_TUNING',
  load: saved,
};

const form = promptForm('PREFIX_TUNING', ['encoder_hidden_size', 'prefix_projection', 'init_weights']);

/** G · D */
const widthOf = ({ keyHeads, headDim }: ModelSizes): number => keyHeads * headDim;

async function saved(model: Model, folder: string, option: string): Promise<PromptAdapter> {
  const sizes = modelSizes(model);
  const { tokens, values } = await savedPrompt(folder, option, form, 2 * sizes.layers * widthOf(sizes));
  return plain(model, sizes, tokens, values);
}

function fresh(
  model: Model,
  { tokens, projection, hiddenSize }: Omit<PrefixTuningOptions, 'path'>,
  random: RandomKey,
): PromptAdapter {
  const sizes = modelSizes(model);
  if (projection) return projected(model, sizes, tokens, hiddenSize ?? widthOf(sizes), random);
  return plain(model, sizes, tokens, normals(random, promptKey, tokens * 2 * sizes.layers * widthOf(sizes)));
}

function plain(model: Model, sizes: ModelSizes, tokens: number, values: Float32Array): PromptAdapter {
  const width = widthOf(sizes);
  const table = variableOf(values, [tokens, 2 * sizes.layers * width]);
  const part = (index: number) => tf.slice(table as unknown as Tensor2D, [0, index * width], [tokens, width]);
  return new PromptAdapter({
    variables: new Map([[promptKey, table]]),
    peftConfig: configOf(model, sizes, tokens, { projection: false, hiddenSize: width }),
    keysBefore: keysOf(sizes, tokens, part),
  });
}

/** tanh(E W₀ᵀ + b₀) W₁ᵀ + b₁, of which each layer takes its columns. */
function projected(
  model: Model,
  sizes: ModelSizes,
  tokens: number,
  hiddenSize: number,
  random: RandomKey,
): PromptAdapter {
  const width = widthOf(sizes);
  const total = 2 * sizes.layers * width;
  const table = normalTable(random, 'embedding', [tokens, width]);
  const weight0 = uniformWeight(random, 'transform.0.weight', [hiddenSize, width], width);
  const bias0 = uniformWeight(random, 'transform.0.bias', [hiddenSize], width);
  const weight1 = uniformWeight(random, 'transform.2.weight', [total, hiddenSize], hiddenSize);
  const bias1 = uniformWeight(random, 'transform.2.bias', [total], hiddenSize);
  const hidden = () => tf.tanh(linear(table as never, weight0 as never, { bias: bias0 as never })); // [n, hidden]
  const columns = (from: number, count: number): Tensor2D => {
    const weight = tf.slice(weight1 as unknown as Tensor2D, [from, 0], [count, hiddenSize]);
    return linear(hidden(), weight, { bias: tf.slice(bias1 as unknown as Tensor1D, from, count) });
  };
  return new PromptAdapter({
    variables: new Map([
      ['prompt_encoder.embedding.weight', table],
      ['prompt_encoder.transform.0.weight', weight0],
      ['prompt_encoder.transform.0.bias', bias0],
      ['prompt_encoder.transform.2.weight', weight1],
      ['prompt_encoder.transform.2.bias', bias1],
    ]),
    peftConfig: configOf(model, sizes, tokens, { projection: true, hiddenSize }),
    keysBefore: keysOf(sizes, tokens, (index) => columns(index * width, width)),
    saved: () => new Map([[promptKey, tf.tidy(() => columns(0, total))]]),
  });
}

/** @param part [tokens, G · D]: keys of layer l are part 2l, its values part 2l + 1 */
const keysOf = ({ keyHeads, headDim }: ModelSizes, tokens: number, part: (index: number) => Tensor2D): KeysBefore => ({
  length: tokens,
  of(layer) {
    const byHead = (index: number): Tensor3D => tf.reshape(part(index), [tokens, keyHeads, headDim]);
    return { keys: byHead(2 * layer), values: byHead(2 * layer + 1) };
  },
});

const configOf = (
  model: Model,
  sizes: ModelSizes,
  tokens: number,
  { projection, hiddenSize }: { readonly projection: boolean; readonly hiddenSize: number },
): Record<string, unknown> => ({
  ...promptConfig(model, 'PREFIX_TUNING', tokens, {
    width: widthOf(sizes),
    layers: sizes.layers,
    heads: sizes.keyHeads,
  }),
  encoder_hidden_size: hiddenSize,
  prefix_projection: projection,
  init_weights: null,
});
