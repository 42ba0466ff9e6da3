// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { byteTokenizer, temporaryFolder } from '../test/tiny-tokenizers.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repeatsRepetition } from '@llmf/core';
import { tokenizerFault } from './tokenizer-limits.js';
import { Tokenizer } from './tokenizer.js';

const withVocab = (vocab: Record<string, unknown>, added: unknown = []) => ({
  model: { type: 'BPE', vocab, merges: [] },
  added_tokens: added,
});

describe('ids of a tokenizer', () => {
  it.each([2 ** 31, 1e18, -1, 0.5, null, '7', 200_000])('%j is refused', (id) => {
    expect(tokenizerFault(withVocab({ a: 0, u: id }))).toContain('token "u" has the id');
    expect(tokenizerFault(withVocab({ a: 0 }, [{ content: 'u', id }]))).toContain('token "u" has the id');
  });

  it('may leave holes', () => {
    expect(tokenizerFault(withVocab({ a: 0, b: 100_004 }))).toBeNull(); // 2 · 2 + 100,000
    expect(tokenizerFault({ model: { vocab: [['a', 0]] }, added_tokens: [{ content: 'x', id: 3 }] })).toBeNull();
  });
});

describe('expressions of a tokenizer', () => {
  it.each([
    '(a+)+',
    '(a*)*b',
    '(?:x(a+)y)*',
    '((a+)b?)+',
    '(a{2,})+',
    '(\\s+\\S+)+',
    '([^a]+)*',
    '(a+){20}',
    '(a*){0,8}b',
  ])('%s is refused', (text) => {
    expect(repeatsRepetition(text)).toBe(true);
    const pre_tokenizer = { type: 'Split', pattern: { Regex: text }, behavior: 'Isolated' };
    expect(tokenizerFault({ ...withVocab({}), pre_tokenizer })).toContain('exponential time');
  });

  it.each([
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{M}]*[\\p{Ll}\\p{M}]+(?i:'s|'t)?|\\p{N}{1,3}|\\s+",
    '(?:ab)+',
    '(a+)?',
    '[(a+)+]',
    '\\(a+\\)+',
    '(a+){1,3}',
  ])('%s is read', (text) => expect(repeatsRepetition(text)).toBe(false));

  it('of four thousand characters are the longest, fifty levels the deepest', () => {
    const part = (Regex: string) => ({ ...withVocab({}), normalizer: { type: 'Replace', pattern: { Regex } } });
    expect(tokenizerFault(part('a'.repeat(4_000)))).toBeNull();
    expect(tokenizerFault(part('a'.repeat(4_001)))).toContain('at most 4000');
    let normalizer: unknown = {};
    for (let level = 0; level < 60; level++) normalizer = { normalizers: [normalizer] };
    expect(tokenizerFault({ ...withVocab({}), normalizer })).toContain('50 levels');
  });
});

it('a tokenizer beyond the limits is refused at once, with its file', async () => {
  const folder = temporaryFolder();
  const json = JSON.parse(readFileSync(join(byteTokenizer(), 'tokenizer.json'), 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  json.model.vocab['u'] = 2 ** 31;
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(json));
  await expect(Tokenizer.load(folder)).rejects.toThrow(/LLMF_DATA_TOKENIZER_BROKEN[^]*the id 2147483648/);
});
