// SPDX-License-Identifier: Apache-2.0
/** Tokenizers of GGUF files that are sentencepiece's: the ids that sentencepiece itself gives. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Tokenizer } from '@llmf/data';
import { afterAll, expect, it } from 'vitest';
import { Metadata } from '../src/gguf/metadata.js';
import { tokenizerFiles } from '../src/gguf/tokenizer-files.js';
import { fixture, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

/** oracles/models/gguf_sentencepiece.py */
const oracle = JSON.parse(readFileSync(fixture('sentencepiece.json'), 'utf8')) as {
  readonly tokens: string[];
  readonly scores: number[];
  readonly types: number[];
  readonly texts: readonly { readonly text: string; readonly ids: number[] }[];
};

/** As llama.cpp's converter writes a Llama 2 tokenizer. */
const metadata = new Metadata(
  'model.gguf',
  new Map<string, string | number | readonly (string | number)[]>([
    ['tokenizer.ggml.model', 'llama'],
    ['tokenizer.ggml.tokens', oracle.tokens],
    ['tokenizer.ggml.scores', oracle.scores],
    ['tokenizer.ggml.token_type', oracle.types],
    ['tokenizer.ggml.bos_token_id', 1],
    ['tokenizer.ggml.eos_token_id', 2],
    ['tokenizer.ggml.unknown_token_id', 0],
  ]),
);

async function tokenizer(): Promise<Tokenizer> {
  for (const [name, content] of Object.entries(tokenizerFiles(metadata))) {
    const file = join(scratch.path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return await Tokenizer.load(scratch.path);
}

it('encodes as sentencepiece does, and back', async () => {
  const ours = await tokenizer();
  expect(oracle.texts.length).toBe(31);
  const different = oracle.texts.filter(({ text, ids }) => [...ours.encode(text)].join() !== ids.join());
  expect(different.map(({ text, ids }) => [text, ids, [...ours.encode(text)]])).toEqual([]);
  // The mark itself is a space to sentencepiece too.
  for (const { text, ids } of oracle.texts) expect(ours.decode(ids)).toBe(text.replaceAll('▁', ' '));
  expect(ours.eos).toEqual({ id: 2, text: '</s>' });
});
