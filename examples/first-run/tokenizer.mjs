// SPDX-License-Identifier: Apache-2.0
// Trains a byte-level BPE tokenizer on the texts of data/ and writes it as Hugging Face tokenizer files.
// Algorithm: Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", section 3.2,
// over bytes written as GPT-2's printable characters (Radford et al. 2019). Run again with `node tokenizer.mjs`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const target = join(folder, 'architecture');
const specialTokens = ['<|user|>', '<|assistant|>', '<|end|>'];
const vocabularySize = 512; // every word of the texts is one token then
// A word or a run of signs takes the space before it along; every digit stands alone.
const wordPattern = ' ?\\p{L}+| ?\\p{N}| ?[^\\s\\p{L}\\p{N}]+|\\s+';

const alphabet = byteCharacters();
const merges = train(countWords(texts()), vocabularySize - alphabet.length - specialTokens.length);
const tokens = [...specialTokens, ...alphabet, ...merges.map((pair) => pair.join(''))];

mkdirSync(target, { recursive: true });
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
  pre_tokenizer: {
    type: 'Sequence',
    pretokenizers: [
      { type: 'Split', pattern: { Regex: wordPattern }, behavior: 'Isolated', invert: false },
      { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
    ],
  },
  post_processor: null,
  decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges,
  },
});
write('tokenizer_config.json', {
  tokenizer_class: 'PreTrainedTokenizerFast',
  model_max_length: 128,
  eos_token: '<|end|>',
  pad_token: '<|end|>',
  clean_up_tokenization_spaces: false,
  chat_template:
    "{% for message in messages %}{{ '<|' + message.role + '|>' + message.content + '<|end|>' }}{% endfor %}" +
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
});
console.log(`architecture/tokenizer.json: ${tokens.length} tokens, ${merges.length} merges`);

function texts() {
  const rows = ['sft', 'train'].flatMap((name) =>
    JSON.parse(readFileSync(join(folder, 'data', `${name}.json`), 'utf8')),
  );
  return rows.flatMap((row) => Object.values(row));
}

function countWords(list) {
  const counts = new Map();
  for (const text of list)
    for (const [word] of text.matchAll(new RegExp(wordPattern, 'gu'))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** Merges the most frequent pair of neighbours, again and again; ties go to the pair first in code-unit order. */
function train(counts, limit) {
  const words = [...counts].map(([word, count]) => ({ count, parts: toByteCharacters(word) }));
  const found = [];
  while (found.length < limit) {
    const best = mostFrequentPair(words);
    if (best === null) break;
    found.push(best);
    for (const word of words) word.parts = merge(word.parts, best);
  }
  return found;
}

function mostFrequentPair(words) {
  const counts = new Map();
  for (const { count, parts } of words)
    for (let i = 1; i < parts.length; i++) {
      const key = `${parts[i - 1]} ${parts[i]}`;
      counts.set(key, (counts.get(key) ?? 0) + count);
    }
  let best = null;
  for (const [key, count] of counts)
    if (best === null || count > best.count || (count === best.count && key < best.key)) best = { key, count };
  return best === null ? null : best.key.split(' ');
}

function merge(parts, [left, right]) {
  const merged = [];
  for (const part of parts)
    if (part === right && merged.at(-1) === left) merged[merged.length - 1] = left + right;
    else merged.push(part);
  return merged;
}

function toByteCharacters(word) {
  return [...Buffer.from(word, 'utf8')].map((byte) => alphabet[byte]);
}

/** A printable character per byte: printable Latin-1 stands for itself, the others move to U+0100 and up. */
function byteCharacters() {
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    return String.fromCharCode(isPrintable ? byte : 256 + moved++);
  });
}

function write(name, value) {
  writeFileSync(join(target, name), `${JSON.stringify(value, null, 1)}\n`);
}
