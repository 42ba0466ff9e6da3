// SPDX-License-Identifier: Apache-2.0
// The form of a small model of words, as Hugging Face files: a tokenizer of one token a word, and its config.json.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What every text begins with, what ends it, and what stands for words that are not known. */
export const marks = { begin: '<s>', end: '</s>', unknown: '<unk>' };

/** Writes `config.json` and the tokenizer of the most frequent words of the texts. @returns the number of words */
export function writeWordModel(folder, texts, { size, ...shape }) {
  const vocabulary = [...Object.values(marks), ...frequentWords(texts, size - 3)];
  mkdirSync(folder, { recursive: true });
  const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
  write('config.json', { ...config, vocab_size: vocabulary.length, ...shape });
  write('tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: marks.end,
    pad_token: marks.end, // no unk_token: as a special token it would be left out of answers
  });
  write('tokenizer.json', tokenizerOf(vocabulary));
  return vocabulary.length;
}

/** At least three times there, the most frequent first, then by the alphabet. */
function frequentWords(texts, limit) {
  const counts = new Map();
  for (const text of texts) for (const word of text.split(' ')) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .filter(([word, count]) => count >= 3 && word !== '')
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([word]) => word);
}

const config = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  rope_theta: 1000,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
  initializer_range: 0.05,
  tie_word_embeddings: true,
  use_sliding_window: false,
  bos_token_id: null,
  eos_token_id: 1,
  pad_token_id: 1,
  torch_dtype: 'float32',
};

const tokenizerOf = (vocabulary) => ({
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [marks.begin, marks.end].map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    unk_token: marks.unknown,
  },
});
