// SPDX-License-Identifier: Apache-2.0

/** Where Transformers keeps chat templates beside a tokenizer. */
export const templateFiles: readonly string[] = [
  'chat_template.jinja',
  'chat_template.json',
  'additional_chat_templates',
];

/** Files of a model folder that say how chats become text and text becomes tokens, as Transformers names them. */
export const tokenFiles: readonly string[] = [
  ...templateFiles,
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'vocab.txt',
  'merges.txt',
  'tokenizer.model',
  'spiece.model',
];
