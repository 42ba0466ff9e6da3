// SPDX-License-Identifier: Apache-2.0
/** What a model folder says about generation: generation_config.json (keys of Transformers 5.18) and the ends in config.json. */
import { join } from 'node:path';
import { readIfThere } from '@llmf/core';
import type { Ban } from '@llmf/nn';
import { z } from 'zod';
import { modelErrors } from '../errors.js';
import { readModelConfig, type ModelConfig } from '../files/model-config.js';
import { never, noEndBefore, notFirst, noWords } from './bans.js';

const id = z.int().min(0);
const ids = z.union([id, z.array(id)]).nullish();
const count = z.int().min(0).nullish();

const appliedKeys = {
  eos_token_id: ids,
  do_sample: z.boolean().nullish(),
  temperature: z.number().min(0).nullish(),
  top_k: count,
  top_p: z.number().gt(0).max(1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  repetition_penalty: z.number().positive().nullish(),
  max_new_tokens: z.int().min(1).nullish(),
  max_length: z.int().min(1).nullish(),
  min_new_tokens: count,
  min_length: count,
  no_repeat_ngram_size: count,
  suppress_tokens: z.array(z.int()).nullish(),
  begin_suppress_tokens: z.array(z.int()).nullish(),
  bad_words_ids: z.array(z.array(id).min(1)).nullish(),
};
const generationFile = z.looseObject(appliedKeys);
type GenerationFile = z.infer<typeof generationFile>;

/** Say nothing about which tokens come. */
const silentKeys = new Set(
  `bos_token_id pad_token_id decoder_start_token_id transformers_version _from_model_config _commit_hash use_cache
   cache_implementation cache_config max_cache_len output_attentions output_hidden_states output_scores output_logits
   return_dict_in_generate return_legacy_cache compile_config disable_compile continuous_batching_config low_memory
   prefill_chunk_size is_assistant num_assistant_tokens num_assistant_tokens_schedule assistant_confidence_threshold
   prompt_lookup_num_tokens max_matching_ngram_size assistant_early_exit assistant_lookbehind target_lookbehind
   assistant_ensemble_weight speculation_type use_mtp renormalize_logits remove_invalid_values trust_remote_code`.split(
    /\s+/,
  ),
);

/** Values of other keys that ask for nothing. */
const neutral: Readonly<Record<string, unknown>> = {
  num_beams: 1,
  num_beam_groups: 1,
  num_return_sequences: 1,
  length_penalty: 1,
  diversity_penalty: 0,
  typical_p: 1,
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  encoder_repetition_penalty: 1,
  encoder_no_repeat_ngram_size: 0,
  guidance_scale: 1,
  penalty_alpha: 0,
};

export interface GenerationDefaults {
  /** Every end token that the folder states. */
  readonly eosIds: readonly number[];
  readonly bans: readonly Ban[];
  /** null: not stated. */
  readonly doSample: boolean | null;
  readonly temperature: number | null;
  readonly topK: number | null;
  readonly topP: number | null;
  readonly minP: number | null;
  readonly repetitionPenalty: number | null;
  readonly noRepeatNgram: number | null;
  readonly maxNewTokens: number | null;
  /** Of prompt and answer together; counts where `maxNewTokens` is null. */
  readonly maxLength: number | null;
  /** What is asked for and not applied: `num_beams 4`. */
  readonly unapplied: readonly string[];
}

/**
 * @param own folder whose generation_config.json goes before that of the model's, such as an adapter's; ends of both count
 * @throws LLMF_MODELS_GENERATION_CONFIG for a file that cannot be read or has a wrong value
 */
export async function readGenerationDefaults(folder: string, own = folder): Promise<GenerationDefaults> {
  const ofModel = await readStated(folder);
  const stated = (own === folder ? ofModel : await readStated(own)) ?? ofModel ?? {};
  const ends = [stated.eos_token_id, ofModel?.eos_token_id].flatMap(listOf);
  const eosIds = [...new Set([...ends, ...endsOf(await readModelConfig(folder))])];
  return {
    eosIds,
    bans: bansOf(stated, eosIds),
    doSample: stated.do_sample ?? null,
    temperature: stated.temperature ?? null,
    topK: stated.top_k ?? null,
    topP: stated.top_p ?? null,
    minP: stated.min_p ?? null,
    repetitionPenalty: stated.repetition_penalty ?? null,
    noRepeatNgram: stated.no_repeat_ngram_size ?? null,
    maxNewTokens: stated.max_new_tokens ?? null,
    maxLength: stated.max_length ?? null,
    unapplied: Object.entries(stated).flatMap(([key, value]) =>
      isUnapplied(key, value) ? [`${key} ${JSON.stringify(value)}`] : [],
    ),
  };
}

/** null without the file. */
async function readStated(folder: string): Promise<GenerationFile | null> {
  const file = join(folder, 'generation_config.json');
  const text = await readIfThere(file);
  return text === null ? null : parsed(file, text);
}

function parsed(file: string, text: string): GenerationFile {
  const refuse = (key: string | undefined, got: string, expected: string) =>
    modelErrors.generationConfig({ where: key === undefined ? file : `${file}, ${key}`, got, expected });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw refuse(undefined, (error as Error).message, 'a JSON object');
  }
  const result = generationFile.safeParse(content);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  const got = path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null)?.[key], content);
  throw refuse(path.length === 0 ? undefined : path.map(String).join('.'), JSON.stringify(got), message);
}

const listOf = (value: number | readonly number[] | null | undefined): readonly number[] =>
  value === null || value === undefined ? [] : typeof value === 'number' ? [value] : value;

/** Ends that config.json states, of a vision-language model also in its language half. */
function endsOf(config: ModelConfig): readonly number[] {
  const parts = [config, config['text_config']].filter((part) => typeof part === 'object' && part !== null);
  return parts.flatMap((part) => {
    const ends = ids.safeParse((part as Record<string, unknown>)['eos_token_id']);
    return ends.success ? listOf(ends.data) : [];
  });
}

/** `no_repeat_ngram_size` is not among them: a flag may set it too. */
function bansOf(stated: GenerationFile, eosIds: readonly number[]): Ban[] {
  const { suppress_tokens, begin_suppress_tokens, bad_words_ids, min_new_tokens, min_length } = stated;
  return [
    ...(suppress_tokens?.length ? [never(suppress_tokens.filter((token) => token >= 0))] : []),
    ...(begin_suppress_tokens?.length ? [notFirst(begin_suppress_tokens.filter((token) => token >= 0))] : []),
    ...(bad_words_ids?.length ? [noWords(bad_words_ids, eosIds)] : []),
    ...leastLength(min_new_tokens ?? null, min_length ?? null, eosIds),
  ];
}

/** Where both are stated, Transformers looks at `min_new_tokens` alone (generation/utils.py, _prepare_generated_length). */
function leastLength(ofAnswer: number | null, ofAll: number | null, eosIds: readonly number[]): Ban[] {
  if (ofAnswer !== null) return ofAnswer === 0 ? [] : [noEndBefore(ofAnswer, eosIds, false)];
  return ofAll === null || ofAll === 0 ? [] : [noEndBefore(ofAll, eosIds, true)];
}

function isUnapplied(key: string, value: unknown): boolean {
  if (key in appliedKeys || silentKeys.has(key) || value === neutral[key]) return false;
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0;
  return value !== null && value !== false && !isEmpty;
}
