// SPDX-License-Identifier: Apache-2.0
// What the runs read: a model's form, a tokenizer of one token a word, reviews to learn from, openings to go on from.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { continuation, endOfReview, openings, pick, randomNumbers, vocabulary } from './reviews.mjs';

const reviews = 3000;
/** Openings that no run learns from; each is gone on from several times. */
const heldOut = 16;
const repeats = 12;

export function writeFiles(folder, seed) {
  const random = randomNumbers(seed);
  const shuffled = openings.map((opening) => [random(), opening]).sort(([a], [b]) => a - b);
  const [held, learned] = [shuffled.slice(0, heldOut), shuffled.slice(heldOut)].map((list) =>
    list.map(([, each]) => each),
  );
  mkdirSync(join(folder, 'architecture'), { recursive: true });
  const write = (name, value) => writeFileSync(join(folder, name), `${JSON.stringify(value, null, 1)}\n`);
  write('architecture/config.json', config);
  write('architecture/tokenizer.json', tokenizer);
  write('architecture/tokenizer_config.json', {
    tokenizer_class: 'PreTrainedTokenizerFast',
    eos_token: endOfReview,
    pad_token: endOfReview,
  });
  write(
    'reviews.json',
    Array.from({ length: reviews }, () => ({ prompt: pick(learned, random), completion: continuation(random) })),
  );
  write(
    'prompts.json',
    learned.map((prompt) => ({ prompt })),
  );
  write(
    'held-out.json',
    Array.from({ length: heldOut * repeats }, (_, at) => ({ prompt: held[at % heldOut] })),
  );
}

const config = {
  architectures: ['Qwen2ForCausalLM'],
  model_type: 'qwen2',
  vocab_size: vocabulary.length,
  hidden_size: 64,
  intermediate_size: 176,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 64,
  rope_theta: 100,
  rms_norm_eps: 1e-6,
  hidden_act: 'silu',
  initializer_range: 0.1,
  tie_word_embeddings: true,
  use_sliding_window: false,
  bos_token_id: null,
  eos_token_id: 0,
  pad_token_id: 0,
  torch_dtype: 'float32',
};

const tokenizer = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [
    { id: 0, content: endOfReview, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
  ],
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: null,
  decoder: null,
  model: {
    type: 'WordLevel',
    vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
    unk_token: endOfReview,
  },
};
