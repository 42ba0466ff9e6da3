// SPDX-License-Identifier: Apache-2.0
// Writes architecture/tokenizer.json and its config: every word of data/ is one token, with Qwen2-VL's special tokens
// in front. Run again with `node tokenizer.mjs` after `node draw.mjs`.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const specialTokens = [
  '<|endoftext|>',
  '<|im_start|>',
  '<|im_end|>',
  '<|vision_start|>',
  '<|vision_end|>',
  '<|image_pad|>',
  '<|video_pad|>',
];
const found = ['sft', 'train'].flatMap((name) => {
  const text = readFileSync(join(folder, 'data', `${name}.json`), 'utf8');
  return JSON.parse(text).flatMap(({ conversations, chosen, rejected }) =>
    [...conversations, chosen, rejected].flatMap((turn) =>
      turn === undefined ? [] : turn.value.replace('<image>', '').match(/\p{L}+|[^\s\p{L}]/gu),
    ),
  );
});
const words = [...new Set([...found, 'user', 'assistant', 'system'])].sort();
const tokens = [...specialTokens, '[UNK]', ...words];

write('tokenizer.json', {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: specialTokens.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: null,
  decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
  },
});
write('tokenizer_config.json', {
  tokenizer_class: 'PreTrainedTokenizerFast',
  model_max_length: 128,
  eos_token: '<|im_end|>',
  pad_token: '<|endoftext|>',
  clean_up_tokenization_spaces: true,
  chat_template:
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
});
console.log(`architecture/tokenizer.json: ${tokens.length} tokens`);

function write(name, value) {
  writeFileSync(join(folder, 'architecture', name), `${JSON.stringify(value, null, 1)}\n`);
}
