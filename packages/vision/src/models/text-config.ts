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
 * The config of the language half, as a Qwen2 checkpoint would have it. Checkpoints on the hub keep its keys at the top;
 * Transformers since 4.52 writes them under `text_config`, with `tie_word_embeddings` in either place.
 */
export function textConfigOf(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const nested = config['text_config'];
  const top = Object.fromEntries(Object.entries(config).filter(([key]) => !ownKeys.has(key)));
  const text = typeof nested === 'object' && nested !== null ? (nested as Record<string, unknown>) : top;
  const isTied = text['tie_word_embeddings'] === true || config['tie_word_embeddings'] === true;
  return { ...text, model_type: 'qwen2', tie_word_embeddings: isTied };
}
