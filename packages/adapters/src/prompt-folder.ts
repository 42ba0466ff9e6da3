// SPDX-License-Identifier: Apache-2.0
/**
 * What PEFT writes for adapters that put something before a sequence: `prompt_embeddings` [virtual tokens, width], also
 * where an encoder made them in training, and the sizes they were made for.
 */
import { readAdapterFolder, type Model, type PeftForm } from '@llmf/nn';
import { z } from 'zod';

export const promptKey = 'prompt_embeddings';

/** @param silent keys of the kind that do not matter once it is saved */
export const promptForm = (peftType: string, silent: readonly string[]): PeftForm<typeof computed> => ({
  expected: `a ${peftType} adapter as PEFT writes it`,
  computed: computed.extend({ peft_type: z.literal(peftType) }) as unknown as typeof computed,
  silent: new Set([...silent, 'token_dim', 'num_layers', 'num_attention_heads']),
  reads: (tensor) => tensor === promptKey,
});

const computed = z.looseObject({
  peft_type: z.string(),
  num_virtual_tokens: z.int().min(1),
  /** 2: an encoder and a decoder have some each. */
  num_transformer_submodules: z.literal(1, '1: virtual tokens of one row').nullish(),
});

/** The embeddings of a folder, [tokens, `width`], row by row. @throws LLMF_NN_ADAPTER_FILE, LLMF_NN_ADAPTER_KEY */
export async function savedPrompt(
  folder: string,
  option: string,
  form: PeftForm<typeof computed>,
  width: number,
): Promise<{ readonly tokens: number; readonly values: Float32Array }> {
  const file = await readAdapterFolder(folder, option, form);
  const tokens = file.config.num_virtual_tokens;
  return { tokens, values: file.tensor(promptKey, [tokens, width]) };
}

/** Keys of adapter_config.json that all of them have. */
export const promptConfig = (
  model: Model,
  peftType: string,
  tokens: number,
  sizes: { readonly width: number; readonly layers: number; readonly heads: number },
): Record<string, unknown> => ({
  peft_type: peftType,
  task_type: 'CAUSAL_LM',
  base_model_name_or_path: model.config['_name_or_path'] ?? '',
  num_virtual_tokens: tokens,
  num_transformer_submodules: 1,
  token_dim: sizes.width,
  num_layers: sizes.layers,
  num_attention_heads: sizes.heads,
  inference_mode: true,
  modules_to_save: null,
});
