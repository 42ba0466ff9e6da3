// SPDX-License-Identifier: Apache-2.0
import type { z } from 'zod';
import { architectureErrors } from './architecture-errors.js';

/** Keys of config.json that say nothing about the forward pass; whoever needs one reads it from `model.config`. */
const harmlessKeys = new Set(
  `architectures model_type auto_map _name_or_path _commit_hash name_or_path transformers_version torch_dtype
   dtype use_cache bos_token_id eos_token_id pad_token_id sep_token_id unk_token_id id2label label2id num_labels
   problem_type task_specific_params return_dict output_attentions output_hidden_states is_decoder
   is_encoder_decoder chunk_size_feed_forward tokenizer_class pretraining_tp torchscript cache_implementation max_length min_length
   do_sample num_beams temperature top_k top_p repetition_penalty finetuning_task pruned_heads prefix
   gradient_checkpointing _attn_implementation attn_implementation keys_to_ignore_at_inference bad_words_ids
   num_return_sequences length_penalty classifier_dropout summary_type summary_use_proj summary_activation
   summary_proj_to_labels summary_first_dropout`.split(/\s+/),
);

/** Keys that change the maths where they hold more than nothing, for families whose schema does not read them. */
const refusedKeys: Readonly<Record<string, string>> = {
  attn_logit_softcapping: 'no soft capping of attention logits',
  final_logit_softcapping: 'no soft capping of logits',
  num_local_experts: 'dense MLP layers',
  num_experts: 'dense MLP layers',
  n_routed_experts: 'dense MLP layers',
  quantization_config: 'weights that are not quantized',
  clip_qkv: 'no clipping of queries, keys and values',
  logit_scale: 'no scaling of logits',
  logits_scaling: 'no scaling of logits',
  embedding_multiplier: 'no embedding multiplier',
  residual_multiplier: 'no residual multiplier',
  attention_multiplier: 'attention scaled by 1/√head_dim',
  query_pre_attn_scalar: 'attention scaled by 1/√head_dim',
  qk_layernorm: 'no norm on queries and keys',
  alibi: 'rotary or learned positions',
  partial_rotary_factor: 'rotary positions over the whole head',
  no_rope_layers: 'rotary positions in every layer',
  add_cross_attention: 'a decoder without cross-attention',
  parallel_attn: 'attention before the MLP',
  per_layer_config: 'layers that are alike',
};

/** A loose zod object: the keys a family reads. */
export type ConfigSchema = z.ZodObject;

const isNothing = (value: unknown) =>
  value === null || value === undefined || value === false || value === 0 || value === 1;

/**
 * The config as its schema reads it.
 * @throws LLMF_NN_CONFIG_VALUE for a wrong value, LLMF_NN_UNSUPPORTED for what would change the maths.
 */
export function readConfig<S extends ConfigSchema>(
  schema: S,
  modelType: string,
  config: Record<string, unknown>,
): z.output<S> {
  for (const [key, expected] of Object.entries(refusedKeys)) {
    if (!(key in schema.shape) && !isNothing(config[key]))
      throw architectureErrors.unsupported({ modelType, key, got: JSON.stringify(config[key]), expected });
  }
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const got = path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    config,
  );
  const facts = { key: path.map(String).join('.'), got: JSON.stringify(got) ?? 'nothing', expected: message };
  throw architectureErrors.configValue({ modelType, ...facts });
}

/** What a config asks for that changes no result here: dropout inside the model, keys that nobody knows. */
export function configRemarks(schema: ConfigSchema, config: Record<string, unknown>): string[] {
  const isKnown = (key: string) =>
    key in schema.shape || harmlessKeys.has(key) || key in refusedKeys || dropoutKeys.has(key);
  const unknown = Object.keys(config).filter((key) => !isKnown(key) && !isNothing(config[key]));
  const dropout = [...dropoutKeys].filter((key) => !isNothing(config[key]));
  return [
    ...(dropout.length > 0 ? [`dropout inside the base model is not applied (${dropout.join(', ')})`] : []),
    ...(unknown.length > 0 ? [`config.json has keys that llmf does not know: ${unknown.join(', ')}`] : []),
  ];
}

const dropoutKeys = new Set(
  `attention_dropout hidden_dropout attn_pdrop embd_pdrop resid_pdrop attention_probs_dropout_prob hidden_dropout_prob
   dropout dropout_rate activation_dropout layerdrop`.split(/\s+/),
);
