// SPDX-License-Identifier: Apache-2.0
// How texts are cut before byte-level BPE, by the names of llama.cpp (llama-vocab.cpp, llm_tokenizer_bpe), as steps of
// tokenizer.json.

export interface Cutting {
  readonly steps: readonly object[];
  /** Texts are normalized to composed characters first (NFC). */
  readonly composes: boolean;
  /** A piece that is a token is that token, whatever merges would make of it. */
  readonly takesWholePieces: boolean;
}

const cutting = (steps: readonly object[], more: Partial<Cutting> = {}): Cutting => ({
  steps,
  composes: false,
  takesWholePieces: false,
  ...more,
});

const byteLevel = (usesRegex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: usesRegex,
});
const split = (regex: string) => [
  { type: 'Split', pattern: { Regex: regex }, behavior: 'Isolated', invert: false },
  byteLevel(false),
];

const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const spaces = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const words = String.raw`[^\r\n\p{L}\p{N}]?\p{L}+`;
const signs = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`;
/** Words begin with capitals: two alternatives for each. */
const capitalized = String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`;

const gpt2 = cutting([byteLevel(true)]);
const singleDigits = cutting([{ type: 'Digits', individual_digits: true }, byteLevel(true)]);
const llama3 = cutting(split(`${contractions}|${words}|${String.raw`\p{N}{1,3}`}|${signs}|${spaces}`), {
  takesWholePieces: true,
});
const qwen2 = cutting(split(`${contractions}|${words}|${String.raw`\p{N}`}|${signs}|${spaces}`), { composes: true });
const tekken = cutting(
  split(`${capitalized}|${String.raw`\p{N}`}|${String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*`}|${spaces}`),
  { takesWholePieces: true },
);

export const preTokenizers: Readonly<Record<string, Cutting>> = {
  'gpt-2': gpt2,
  'phi-2': gpt2,
  smollm: singleDigits,
  starcoder: singleDigits,
  refact: singleDigits,
  'command-r': singleDigits,
  'llama-bpe': llama3,
  llama3,
  'llama-v3': llama3,
  qwen2,
  'deepseek-r1-qwen': qwen2,
  tekken,
};
