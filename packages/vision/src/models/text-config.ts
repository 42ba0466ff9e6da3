// SPDX-License-Identifier: Apache-2.0
/** Keys of a vision-language config.json that do not concern its language half. */
const ownKeys = new Set([
  'vision_config',
  'text_config',
  'architectures',
  'image_token_id',
  'video_token_id',
  'vision_start_token_id',
  'vision_end_token_id',
  'vision_token_id',
]);

/**
 * Defaults of Transformers' Qwen2VLTextConfig and Qwen2_5_VLTextConfig where they are not those of Qwen2Config; the model's
 * sizes have none here: a config.json without them is refused.
 */
const defaults = { num_key_value_heads: 8, rms_norm_eps: 1e-5, max_window_layers: 80, rope_theta: 1e6 };

/** Those of Qwen3VLTextConfig where they are not Qwen3Config's. */
const qwen3Defaults = { max_position_embeddings: 128_000, rope_theta: 5e5 };

/** The config of Qwen3-VL's language half, as a Qwen3 checkpoint would have it; its rotary positions always take turns. */
export function qwen3TextConfigOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = languageKeys(config);
  const rotary = sectioned(text, { mrope_section: [24, 20, 20] }, { mrope_interleaved: true });
  return { ...qwen3Defaults, ...text, ...rotary, model_type: 'qwen3', tie_word_embeddings: isTied(config, text) };
}

/**
 * The config of the language half, as a Qwen2 checkpoint would have it. Checkpoints on the hub keep its keys at the top;
 * Transformers since 4.52 writes them under `text_config`, with `tie_word_embeddings` in either place.
 */
export function textConfigOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = languageKeys(config);
  const rotary = sectioned(text, { mrope_section: [16, 24, 24] });
  return { ...defaults, ...text, ...rotary, model_type: 'qwen2', tie_word_embeddings: isTied(config, text) };
}

type Keys = Readonly<Record<string, unknown>>;

function languageKeys(config: Keys): Keys {
  const nested = config['text_config'];
  if (typeof nested === 'object' && nested !== null) return nested as Keys;
  return Object.fromEntries(Object.entries(config).filter(([key]) => !ownKeys.has(key)));
}

const isTied = (config: Keys, text: Keys): boolean =>
  text['tie_word_embeddings'] === true || config['tie_word_embeddings'] === true;

/** The section of rotary positions that counts, with Transformers' split of a head of 128 where it names none. */
function sectioned(text: Keys, split: object, always: object = {}): Record<string, unknown> {
  const isFilled = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  const key = isFilled(text['rope_scaling']) ? 'rope_scaling' : 'rope_parameters';
  return { [key]: { ...split, ...(text[key] as object | null | undefined), ...always } };
}
