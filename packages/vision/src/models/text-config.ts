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

/**
 * The config of the language half, as a Qwen2 checkpoint would have it. Checkpoints on the hub keep its keys at the top;
 * Transformers since 4.52 writes them under `text_config`, with `tie_word_embeddings` in either place.
 */
export function textConfigOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const nested = config['text_config'];
  const top = Object.fromEntries(Object.entries(config).filter(([key]) => !ownKeys.has(key)));
  const text = typeof nested === 'object' && nested !== null ? (nested as Record<string, unknown>) : top;
  const isTied = text['tie_word_embeddings'] === true || config['tie_word_embeddings'] === true;
  return { ...defaults, ...text, ...sectioned(text), model_type: 'qwen2', tie_word_embeddings: isTied };
}

/** The section of rotary positions that counts, with Transformers' split of a head of 128 where it names none. */
function sectioned(text: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isFilled = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length > 0;
  const key = isFilled(text['rope_scaling']) ? 'rope_scaling' : 'rope_parameters';
  return { [key]: { mrope_section: [16, 24, 24], ...(text[key] as object | null | undefined) } };
}
