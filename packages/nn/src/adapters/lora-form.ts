// SPDX-License-Identifier: Apache-2.0
/**
 * adapter_config.json of a LoRA. Keys are those of PEFT 0.21 (peft/tuners/lora/config.py): those that are computed here,
 * those that say nothing about the result of a saved adapter, and those that change it in a way that is not computed,
 * which are refused unless they hold nothing. A key that is in none of the lists is refused too.
 */
import { z } from 'zod';
import { patternOfKey } from './pattern-key.js';
import type { PeftForm, Refusal } from './peft-form.js';
import { parsePeftHeadKey } from './peft-names.js';

const pattern = z
  .record(z.string().superRefine(checkExpression), z.number())
  .nullish()
  .transform((given) => given ?? {});

function checkExpression(key: string, context: z.RefinementCtx): void {
  try {
    patternOfKey(key);
  } catch (error) {
    context.addIssue({ code: 'custom', message: `not an expression that is read: ${(error as Error).message}` });
  }
}

const computed = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1).default(8), // as PEFT, where a file does not say it
  lora_alpha: z.number().default(8),
  use_rslora: z
    .boolean()
    .nullish()
    .transform((given) => given ?? false),
  rank_pattern: pattern,
  alpha_pattern: pattern,
  modules_to_save: z.array(z.string()).nullish(),
  trainable_token_indices: z.union([z.array(z.int().min(0)), z.record(z.string(), z.array(z.int().min(0)))]).nullish(),
  ensure_weight_tying: z.boolean().nullish(),
});
export type LoraConfig = z.infer<typeof computed>;

/**
 * Which layers were adapted is told by the tensors of the file; how training went (dropout, VeLoRA's gradients, how the
 * data of a start were chosen, tying) does not matter afterwards.
 */
const silent = new Set(
  `target_modules exclude_modules layers_to_transform layers_pattern fan_in_fan_out lora_dropout
   megatron_core eva_config corda_config loftq_config lora_ga_config qalora_group_size velora_config target_parameters
`.split(/\s+/),
);

const merge = 'merge it into the model with PEFT (merge_and_unload, then save_pretrained) and use that folder';
const refusedKeys: Readonly<Record<string, Refusal>> = {
  /** On a model without biases it says nothing. */
  bias: { expected: 'no trained bias of the model', fix: merge },
  lora_bias: { expected: 'no bias in lora_B', fix: merge },
  use_dora: { expected: 'no DoRA', fix: merge },
  use_bdlora: { expected: 'no blocks in A and B', fix: merge },
  kasa_config: { expected: 'no KaSA', fix: merge },
  monteclora_config: { expected: 'no MonteCLoRA', fix: merge },
  arrow_config: { expected: 'no routing between adapters', fix: 'use it with PEFT' },
  alora_invocation_tokens: {
    expected: 'an adapter that acts on every token',
    fix: 'use it with PEFT: an activated LoRA cannot be merged either',
  },
  use_qalora: { expected: 'no QA-LoRA', fix: 'use it with PEFT on its quantized model' },
  megatron_config: { expected: 'layers of Transformers', fix: 'use it with PEFT and Megatron' },
  layer_replication: { expected: 'the layers of the model as they are', fix: merge },
};

/** Starts that leave the base weights alone; the others load into a changed base, which PEFT makes again each time. */
const plainStarts: ReadonlySet<unknown> = new Set([
  true,
  false,
  null,
  undefined,
  'gaussian',
  'eva',
  'orthogonal',
  'mica',
]);
const changedBase: Refusal = {
  expected: 'a start that leaves the base weights as they are',
  fix: 'convert it with PEFT to a plain LoRA (save_pretrained with path_initial_model_for_weight_conversion), or merge it into the model',
};

const isRead = (tensor: string): boolean =>
  /\.(lora_[AB](\.default)?\.weight|lora_embedding_[AB]|trainable_tokens_delta)$/.test(tensor) ||
  parsePeftHeadKey(tensor) !== null;

function refusal(key: string, value: unknown, tensors: readonly string[]): Refusal | null {
  if (key === 'init_lora_weights') return plainStarts.has(value) ? null : changedBase;
  if (key === 'bias' && (value === 'none' || !tensors.some((name) => name.endsWith('.bias')))) return null;
  return refusedKeys[key] ?? { expected: 'keys of PEFT 0.21', fix: `${merge}, or tell us of this key` };
}

export const loraForm: PeftForm<typeof computed> = {
  expected: 'a LoRA adapter as PEFT writes it',
  computed,
  silent,
  refusal,
  reads: isRead,
};
