// SPDX-License-Identifier: Apache-2.0
/**
 * The tokenizer in a GGUF file's metadata, as the files of a model folder. `tokenizer.ggml.model` says how pieces become
 * tokens (gpt2: byte-level BPE with merges; llama: sentencepiece BPE with scores), `tokenizer.ggml.pre` how texts are cut
 * (llama.cpp, llama-vocab.cpp).
 */
import { ggufErrors } from './gguf-errors.js';
import type { Metadata } from './metadata.js';
import { preTokenizers } from './pre-tokenizers.js';
import { mergesByScore } from './score-merges.js';

/** Contents by file name. */
export type TokenizerFiles = Readonly<Record<string, string>>;

/** Of `tokenizer.ggml.token_type`. */
const tokenTypes = { unknown: 2, control: 3, userDefined: 4 } as const;

/** @throws LLMF_MODELS_GGUF_TOKENIZER, LLMF_MODELS_GGUF_VALUE */
export function tokenizerFiles(metadata: Metadata): TokenizerFiles {
  const tokens = metadata.texts('tokenizer.ggml.tokens');
  const model = metadata.text('tokenizer.ggml.model');
  const build = Object.hasOwn(models, model) ? models[model] : undefined;
  if (build === undefined) throw unknown(metadata, 'tokenizer.ggml.model', model, Object.keys(models));
  const tokenizer = { version: '1.0', truncation: null, padding: null, ...build(metadata, tokens) };
  return {
    'tokenizer.json': JSON.stringify({ ...tokenizer, added_tokens: addedTokens(metadata, tokens) }),
    'tokenizer_config.json': JSON.stringify(tokenizerConfig(metadata, tokens, model), null, 2),
    ...templates(metadata),
  };
}

type Parts = Readonly<Record<'normalizer' | 'pre_tokenizer' | 'post_processor' | 'decoder' | 'model', unknown>>;

const models: Readonly<Record<string, (metadata: Metadata, tokens: readonly string[]) => Parts>> = {
  gpt2: byteLevel,
  llama: sentencePiece,
};

function byteLevel(metadata: Metadata, tokens: readonly string[]): Parts {
  const key = 'tokenizer.ggml.pre';
  const name = metadata.text(key, 'default');
  const cutting = Object.hasOwn(preTokenizers, name) ? preTokenizers[name] : undefined;
  if (cutting === undefined) throw unknown(metadata, key, name, Object.keys(preTokenizers));
  const merges = metadata.texts('tokenizer.ggml.merges').map((merge) => splitMerge(metadata, merge));
  return {
    normalizer: cutting.composes ? { type: 'NFC' } : null,
    pre_tokenizer: cutting.steps.length === 1 ? cutting.steps[0] : { type: 'Sequence', pretokenizers: cutting.steps },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: { ...bpe(tokens, merges), ignore_merges: cutting.takesWholePieces },
  };
}

/** A piece may hold a space only where it is not the first character. */
function splitMerge(metadata: Metadata, merge: string): [string, string] {
  const at = merge.indexOf(' ', 1);
  if (at === -1) throw metadata.refuse('tokenizer.ggml.merges', 'two pieces and a space in each merge');
  return [merge.slice(0, at), merge.slice(at + 1)];
}

function sentencePiece(metadata: Metadata, tokens: readonly string[]): Parts {
  const scores = metadata.numbers('tokenizer.ggml.scores');
  if (scores.length !== tokens.length) throw metadata.refuse('tokenizer.ggml.scores', `${tokens.length} scores`);
  const prepends = metadata.flag('tokenizer.ggml.add_space_prefix', true);
  const spaces = { type: 'Replace', pattern: { String: ' ' }, content: '▁' };
  const strip = { type: 'Strip', content: ' ', start: 1, stop: 0 };
  const unk = tokens[metadata.count('tokenizer.ggml.unknown_token_id', 0)];
  return {
    normalizer: { type: 'Sequence', normalizers: [...(prepends ? [{ type: 'Prepend', prepend: '▁' }] : []), spaces] },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(prepends ? [strip] : []),
      ],
    },
    model: {
      ...bpe(tokens, mergesByScore(tokens, scores)),
      unk_token: unk ?? null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
    },
  };
}

const bpe = (tokens: readonly string[], merges: readonly (readonly [string, string])[]) => ({
  type: 'BPE',
  dropout: null,
  unk_token: null as string | null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
  merges,
});

/** Control tokens are special; what the user defined is found in texts too; the unknown token is as sentencepiece has it. */
function addedTokens(metadata: Metadata, tokens: readonly string[]): unknown[] {
  const types = metadata.has('tokenizer.ggml.token_type') ? metadata.numbers('tokenizer.ggml.token_type') : [];
  const added: readonly number[] = Object.values(tokenTypes);
  return tokens.flatMap((content, id) => {
    const type = types[id];
    if (type === undefined || !added.includes(type) || content === '') return [];
    const special = type !== tokenTypes.userDefined;
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

function tokenizerConfig(metadata: Metadata, tokens: readonly string[], model: string): Record<string, unknown> {
  const named = { bos_token: 'bos', eos_token: 'eos', unk_token: 'unknown', pad_token: 'padding' };
  const special = Object.entries(named).flatMap(([name, key]) => {
    const idKey = `tokenizer.ggml.${key}_token_id`;
    if (!metadata.has(idKey)) return [];
    const token = tokens[metadata.count(idKey)];
    if (token === undefined) throw metadata.refuse(idKey, `an id below ${tokens.length}`);
    return [[name, token]];
  });
  // llama.cpp's own defaults where a file does not say.
  const addsBos = model === 'llama' || metadata.text('tokenizer.ggml.pre', '') === 'llama-bpe';
  return {
    ...(Object.fromEntries(special) as Record<string, string>),
    add_bos_token: metadata.flag('tokenizer.ggml.add_bos_token', addsBos),
    add_eos_token: metadata.flag('tokenizer.ggml.add_eos_token', false),
  };
}

/** The usual template, and those by name. */
function templates(metadata: Metadata): TokenizerFiles {
  const prefix = 'tokenizer.chat_template';
  const named = metadata.keys(`${prefix}.`).flatMap((key) => {
    const name = key.slice(prefix.length + 1);
    return /^[\w-]+$/.test(name) ? [[`additional_chat_templates/${name}.jinja`, metadata.text(key)]] : [];
  });
  return {
    ...(metadata.has(prefix) ? { 'chat_template.jinja': metadata.text(prefix) } : {}),
    ...(Object.fromEntries(named) as Record<string, string>),
  };
}

function unknown(metadata: Metadata, key: string, got: string, known: readonly string[]): Error {
  return ggufErrors.ggufTokenizer({ file: metadata.file, key, got, expected: `one of ${known.join(', ')}` });
}
