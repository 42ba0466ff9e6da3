// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, toFloat32 } from '@llmf/core';
import { initModel } from '@llmf/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { find, fixtureNames, fixture, loadFixture, logits, packed, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
const tokenizerFolder = join(scratch.path, 'tokenizer');
const write = (folder: string, name: string, content: unknown) => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), JSON.stringify(content));
};
beforeAll(() => {
  write(tokenizerFolder, 'tokenizer.json', { model: { vocab: { a: 0, b: 1 } }, added_tokens: [{ id: 60 }] });
  write(tokenizerFolder, 'tokenizer_config.json', { chat_template: '' });
});
afterAll(() => scratch.remove());

const request = (name: string, seed = 1) => ({ config: fixture(name, 'config.json'), tokenizerFolder, seed, find });
const deviation = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

describe('initModel', () => {
  it.each(fixtureNames)('makes a %s that loads and runs', async (name) => {
    const folder = join(scratch.path, name);
    const report = await initModel(folder, request(name));
    expect(report.copied.toSorted()).toEqual(['tokenizer.json', 'tokenizer_config.json']);
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors', ...report.copied.toSorted()]);
    const model = await loadFixture(folder);
    const values = [...model.parameters.values()].reduce((sum, { value }) => sum + value.size, 0);
    expect(report).toMatchObject({ parameters: values, modelType: model.modelType });
    const got = await logits(model, packed([Int32Array.of(1, 2, 3)]));
    expect(got.every(Number.isFinite)).toBe(true);
    expect(deviation(got)).toBeGreaterThan(0);
    model.dispose();
  });

  it('draws matrices with initializer_range, biases 0, norms 1; residual outputs of GPT-2 narrower', async () => {
    const tensors = await readSafetensors(join(scratch.path, 'gpt2', 'model.safetensors'));
    const values = (name: string) => toFloat32(tensors[`transformer.${name}`]!);
    expect(tensors['transformer.h.0.mlp.c_fc.weight']!.shape).toEqual([32, 44]);
    // 1408 and 3104 draws: the deviation is known to 2 and 1.3 per cent (1/√2n).
    expect(deviation(values('h.0.mlp.c_fc.weight')) / 0.02).toBeCloseTo(1, 1);
    expect(deviation(values('wte.weight')) / 0.02).toBeCloseTo(1, 1);
    expect(deviation(values('h.0.mlp.c_proj.weight')) / (0.02 / Math.sqrt(4))).toBeCloseTo(1, 1); // 2 layers, 4 residual outputs
    expect(new Set(values('h.0.mlp.c_fc.bias'))).toEqual(new Set([0]));
    expect(new Set(values('h.0.ln_1.weight'))).toEqual(new Set([1]));
    expect(new Set(values('h.0.ln_1.bias'))).toEqual(new Set([0]));
  });

  it('gives the same bits for the same seed, others for another', async () => {
    const bytes = async (target: string, seed: number) => {
      await initModel(join(scratch.path, target), request('qwen2', seed));
      return readFileSync(join(scratch.path, target, 'model.safetensors'));
    };
    const first = await bytes('seed-a', 5);
    expect((await bytes('seed-b', 5)).equals(first)).toBe(true);
    expect((await bytes('seed-c', 6)).equals(first)).toBe(false);
  });

  it('refuses a tokenizer with more tokens than embeddings, and makes nothing', async () => {
    const large = join(scratch.path, 'large');
    write(large, 'tokenizer.json', { model: { vocab: { a: 0, b: 97 } } });
    const folder = join(scratch.path, 'refused');
    const failing = initModel(folder, { ...request('llama'), tokenizerFolder: large });
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_VOCABULARY' });
    await expect(failing).rejects.toThrow(/ids up to 97[^]*at most 96 \(vocab_size 97\)[^]*at least 98/);
    const list = join(scratch.path, 'unigram');
    write(list, 'tokenizer.json', { model: { vocab: Array.from({ length: 98 }, (_, i) => [`t${i}`, 0]) } });
    await expect(initModel(folder, { ...request('llama'), tokenizerFolder: list })).rejects.toThrow('ids up to 97');
    expect(existsSync(folder)).toBe(false);
  });

  it('refuses a folder without tokenizer, one in use, and an unreadable config', async () => {
    const without = { ...request('llama'), tokenizerFolder: fixture('llama') };
    await expect(initModel(join(scratch.path, 'x'), without)).rejects.toMatchObject({
      code: 'LLMF_MODELS_TOKENIZER_MISSING',
    });
    await expect(initModel(tokenizerFolder, request('llama'))).rejects.toMatchObject({
      code: 'LLMF_CORE_FOLDER_IN_USE',
    });
    const nowhere = { ...request('llama'), config: join(scratch.path, 'none.json') };
    await expect(initModel(join(scratch.path, 'x'), nowhere)).rejects.toMatchObject({
      code: 'LLMF_MODELS_CONFIG_UNREADABLE',
    });
  });
});
