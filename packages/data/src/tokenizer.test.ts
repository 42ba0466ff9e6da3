// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { LlmfError } from '@llmf/core';
import { byteTokenizer, llamaTokenizer, temporaryFolder, write } from '../test/tiny-tokenizers.js';
import { Tokenizer } from './tokenizer.js';

const encoding = async (tokenizer: Tokenizer, text: string) => tokenizer.encode(text);

const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error,
  );

describe('Tokenizer', () => {
  it('encodes bytes and merges, and decodes to the same text', async () => {
    const tokenizer = await Tokenizer.load(byteTokenizer());
    // Merges: 256 th, 257 the, 258 ␠the, 259 an, 260 and.
    expect(tokenizer.encode('the and')).toEqual([257, 32, 260]);
    const text = 'é 漢字 🙂\n\t the<|im_end|>';
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: true })).toBe('é 漢字 🙂\n\t the');
    expect(tokenizer.encode('')).toEqual([]);
    expect(tokenizer.decode([])).toBe('');
  });

  it('knows special tokens, and that 264 ids exist', async () => {
    const tokenizer = await Tokenizer.load(byteTokenizer());
    expect(tokenizer.eos).toEqual({ id: 262, text: '<|im_end|>' });
    expect(tokenizer.bos).toBeNull();
    expect(tokenizer.vocabularySize).toBe(264);
    expect(tokenizer.isOneToken('<|im_start|>')).toBe(true);
    expect(tokenizer.isOneToken('<|eot_id|>')).toBe(false);
    expect(tokenizer.addedTokenAtEnd('hello<|im_end|>')).toBe('<|im_end|>');
    expect(tokenizer.addedTokenAtEnd('hello')).toBeNull();
  });

  it('reads bos as the config or the post-processor says', async () => {
    const addsBos = async (config: Record<string, unknown>) =>
      (await Tokenizer.load(llamaTokenizer({ config }))).addsBos;
    expect(await addsBos({})).toBe(true);
    expect(await addsBos({ add_bos_token: undefined })).toBe(true);
    expect(await addsBos({ add_bos_token: false })).toBe(false);
    expect(await addsBos({ bos_token: null })).toBe(false);
  });

  it('puts no space before a text that continues another one', async () => {
    const tokenizer = await Tokenizer.load(llamaTokenizer());
    const whole = tokenizer.encode('the cat, the hat');
    const parts = [...tokenizer.encode('the cat'), ...tokenizer.encode(', the hat', { continues: true })];
    expect(parts).toEqual(whole);
    expect(tokenizer.encode(', the hat')).not.toEqual(tokenizer.encode(', the hat', { continues: true }));
  });

  it('does without tokenizer_config.json: the model’s config.json names the ids', async () => {
    const folder = byteTokenizer({ config: null });
    expect((await Tokenizer.load(folder)).eos).toBeNull();
    write(folder, 'config.json', { eos_token_id: 263, bos_token_id: null });
    expect((await Tokenizer.load(folder)).eos).toEqual({ id: 263, text: '<|end|>' });
    write(folder, 'generation_config.json', { eos_token_id: [262, 263] });
    expect((await Tokenizer.load(folder)).eos).toEqual({ id: 262, text: '<|im_end|>' });
  });

  it('reads special tokens written as objects, and special_tokens_map.json', async () => {
    const folder = byteTokenizer({ config: { eos_token: { content: '<|end|>', lstrip: false } } });
    write(folder, 'special_tokens_map.json', { pad_token: '<|im_start|>', eos_token: '<|im_end|>' });
    const tokenizer = await Tokenizer.load(folder);
    expect(tokenizer.eos?.text).toBe('<|end|>');
    expect(tokenizer.pad?.text).toBe('<|im_start|>');
  });

  it('finds chat templates wherever they are kept', async () => {
    const folder = byteTokenizer({
      config: {
        chat_template: [
          { name: 'default', template: 'a' },
          { name: 'tool_use', template: 'b' },
        ],
      },
    });
    const templates = async () => Object.fromEntries((await Tokenizer.load(folder)).chatTemplates);
    expect(await templates()).toEqual({ default: 'a', tool_use: 'b' });
    write(folder, 'chat_template.json', { chat_template: 'c' });
    expect(await templates()).toEqual({ default: 'c', tool_use: 'b' });
    write(folder, 'chat_template.jinja', 'd');
    write(folder, 'additional_chat_templates/rag.jinja', 'e');
    expect(await templates()).toEqual({ default: 'd', tool_use: 'b', rag: 'e' });
  });

  it('has a fingerprint of what changes ids, not of the template', async () => {
    const folder = byteTokenizer();
    const first = (await Tokenizer.load(folder)).fingerprint;
    write(folder, 'chat_template.jinja', 'x');
    expect((await Tokenizer.load(folder)).fingerprint).toBe(first);
    byteTokenizer({ folder, specials: ['<|im_end|>'] });
    expect((await Tokenizer.load(folder)).fingerprint).not.toBe(first);
  });

  it('reads the old layout without model.type', async () => {
    const folder = byteTokenizer();
    const { readFileSync } = await import('node:fs');
    const file = JSON.parse(readFileSync(`${folder}/tokenizer.json`, 'utf8')) as { model: { type?: string } };
    delete file.model.type;
    write(folder, 'tokenizer.json', file);
    expect((await Tokenizer.load(folder)).encode('the')).toEqual([257]);
  });

  it('says what is missing or broken', async () => {
    const empty = temporaryFolder();
    expect((await errorOf(Tokenizer.load(empty)))?.code).toBe('LLMF_DATA_TOKENIZER_MISSING');
    write(empty, 'tokenizer.json', '{"model": ');
    expect((await errorOf(Tokenizer.load(empty)))?.code).toBe('LLMF_DATA_TOKENIZER_BROKEN');
    write(empty, 'tokenizer.json', { model: { type: 'Secret' } });
    expect((await errorOf(Tokenizer.load(empty)))?.code).toBe('LLMF_DATA_TOKENIZER_UNSUPPORTED');
  });

  it('finds tokens that only the files beside tokenizer.json name', async () => {
    const byConfig = byteTokenizer({ config: { added_tokens_decoder: { 264: { content: '<|a|>', special: true } } } });
    expect((await Tokenizer.load(byConfig)).encode('x<|a|>')).toEqual([120, 264]);
    const byFile = byteTokenizer({ config: { pad_token: '<|pad|>' } });
    write(byFile, 'added_tokens.json', { '<|b|>': 265, '<|a|>': 264 });
    expect((await Tokenizer.load(byFile)).encode('<|a|><|b|><|pad|>')).toEqual([264, 265, 266]);
  });

  it('refuses what it cannot compute, by name', async () => {
    const refusal = async (change: Record<string, unknown>) => {
      const folder = byteTokenizer();
      const { readFileSync } = await import('node:fs');
      write(folder, 'tokenizer.json', {
        ...(JSON.parse(readFileSync(`${folder}/tokenizer.json`, 'utf8')) as object),
        ...change,
      });
      return (await errorOf(Tokenizer.load(folder)))?.message;
    };
    expect(await refusal({ pre_tokenizer: { type: 'UnicodeScripts' } })).toContain('pre_tokenizer UnicodeScripts');
    expect(await refusal({ normalizer: { type: 'Unheard' } })).toContain('normalizer Unheard');
    expect(await refusal({ model: { type: 'BPE', vocab: { a: 0 }, merges: [], dropout: 0.1 } })).toContain('dropout');
    expect(await refusal({ model: { type: 'BPE', vocab: { a: 2 ** 31 }, merges: [] } })).toContain('2147483648');
  });

  it('says which text has no ids', async () => {
    const bytes = await Tokenizer.load(byteTokenizer());
    expect((await errorOf(encoding(bytes, 'a\ud83d')))?.code).toBe('LLMF_DATA_LONE_SURROGATE');
    const folder = temporaryFolder();
    write(folder, 'tokenizer.json', { model: { type: 'WordLevel', vocab: { a: 0 }, unk_token: '[UNK]' } });
    const words = await Tokenizer.load(folder);
    expect((await errorOf(encoding(words, 'b')))?.code).toBe('LLMF_DATA_NO_TOKEN');
  });
});
