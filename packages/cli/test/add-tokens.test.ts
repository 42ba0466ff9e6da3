// SPDX-License-Identifier: Apache-2.0
/** `llmf add-tokens`: tokenizer and embeddings with more tokens, which an adapter then trains. */
import { join } from 'node:path';
import { readSafetensors, toFloat32 } from '@llmf/core';
import { Tokenizer } from '@llmf/data';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestFolder } from './support/folder.js';
import { jsonLines, makeTinyModel, tinyPairs } from './support/tiny-model.js';

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.create();
  await makeTinyModel(folder);
});
afterAll(() => folder.remove());

const weightsOf = (name: string) => readSafetensors(join(folder.path, name, 'model.safetensors'));
const configOf = async (name: string) =>
  JSON.parse(await folder.read(`${name}/config.json`)) as Record<string, unknown> & { readonly vocab_size: number };
const add = (output: string, ...words: string[]) =>
  folder.llmf('add-tokens', '--model', 'model', '--output', output, ...words);

describe('add-tokens', () => {
  it('gives each token an id behind all others, and the mean of their rows; all else keeps its bytes', async () => {
    const before = await Tokenizer.load(join(folder.path, 'model'));
    const { status, out, err } = await add('more', '--token', '<|tool|>', '--token', 'ärger', '--special');
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const first = before.vocabularySize;
    const rows = Math.max((await configOf('model')).vocab_size, first + 2);
    expect(out).toBe(`<|tool|> is ${first}, ärger is ${first + 1}; ${rows} rows of embeddings: more\n`);
    const tokenizer = await Tokenizer.load(join(folder.path, 'more'));
    expect(tokenizer.encode('a<|tool|>ärger')).toEqual([...before.encode('a'), first, first + 1]);
    expect(tokenizer.decode([first], { skipSpecialTokens: true })).toBe('');

    const [old, grown] = [await weightsOf('model'), await weightsOf('more')];
    expect(Object.keys(grown)).toEqual(Object.keys(old));
    expect((await configOf('more')).vocab_size).toBe(rows);
    const vocabularyOf = Object.keys(old).filter((name) => grown[name]!.shape[0] === rows);
    expect(vocabularyOf.length).toBeGreaterThan(0);
    for (const [name, { shape, data }] of Object.entries(old)) {
      if (!vocabularyOf.includes(name)) expect(grown[name]).toEqual(old[name]);
      else {
        const width = shape[1]!;
        expect(
          Buffer.compare(grown[name]!.data.subarray(0, first * 4 * width), data.subarray(0, first * 4 * width)),
        ).toBe(0);
        const [values, now] = [toFloat32(old[name]!), toFloat32(grown[name]!)];
        for (let column = 0; column < width; column++) {
          let sum = 0;
          for (let row = 0; row < first; row++) sum += values[row * width + column]!;
          expect(now[first * width + column]).toBeCloseTo(sum / first, 6);
          expect(now[(first + 1) * width + column]).toBe(now[first * width + column]);
        }
      }
    }
  });

  it('makes tokens that an adapter trains by their text', async () => {
    const rows = tinyPairs.map(({ prompt, chosen }) => ({ prompt, response: `<|tool|>${chosen}` }));
    await folder.write('single.jsonl', jsonLines(rows));
    const where = ['model.path=more', 'data.train=[{ path: single.jsonl }]', 'backend=js', 'output=run'];
    const adapterOption = 'adapter={ name: trainable-tokens, tokens: ["<|tool|>"] }';
    const { status, err } = await folder.llmf('train', 'stage=sft', ...where, adapterOption, 'train.maxSteps=2');
    expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
    const adapter = await readSafetensors(join(folder.path, 'run', 'adapter_model.safetensors'));
    expect(Object.values(adapter).map(({ shape }) => shape[0])).toEqual([1]);
  });

  it.each([
    ['a token that is known', ['--token', 'a'], /LLMF_DATA_NEW_TOKEN[^]*"a": token \d+ of the tokenizer/],
    ['a text given twice', ['--token', '<x>', '--token', '<x>'], /LLMF_DATA_NEW_TOKEN[^]*given twice/],
    ['an empty text', ['--token', ''], /LLMF_DATA_NEW_TOKEN[^]*an empty text/],
  ])('refuses %s, and makes no folder', async (_, words, message) => {
    const { status, err } = await add('refused', ...words);
    expect(status).toBe(1);
    expect(err).toMatch(message);
    await expect(folder.read('refused/config.json')).rejects.toThrow();
  });

  it('refuses a model in fewer bits, which it would expand', async () => {
    await folder.llmf('quantize', '--model', 'model', '--format', 'nf4', '--output', 'nf4');
    const { status, err } = await folder.llmf('add-tokens', '--model', 'nf4', '--token', '<x>', '--output', 'refused');
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_MODELS_GROWN_PACKED[^]*nf4[^]*llmf quantize/);
  });
});
