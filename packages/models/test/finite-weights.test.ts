// SPDX-License-Identifier: Apache-2.0
/** Weights that are no numbers, or that the file's dtype cannot hold, never come in or go out. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromFloat32, readSafetensors, toFloat32, writeSafetensors, type SafetensorsDtype } from '@llmf/core';
import { bf16, savedLora, tf, type WeightFormat } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import { fixture, loader, loadFixture, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());
const weight = 'model.layers.1.mlp.up_proj.weight';

/** A copy of a file's folder with one value of one tensor changed, in another dtype. */
async function damaged(
  name: string,
  value: number,
  {
    dtype = 'F32',
    file = 'model.safetensors',
    tensor = weight,
  }: { dtype?: SafetensorsDtype; file?: string; tensor?: string } = {},
  source = fixture('qwen2'),
): Promise<string> {
  const folder = join(scratch.path, name);
  cpSync(source, folder, { recursive: true });
  const tensors = await readSafetensors(join(folder, file));
  const changed = Object.entries(tensors).map(([key, one]) => {
    const values = toFloat32(one);
    if (key === tensor) values[5] = value;
    return [key, { ...one, dtype, data: fromFloat32(values, dtype) }] as const;
  });
  await writeSafetensors(join(folder, file), Object.fromEntries(changed));
  return folder;
}

describe('loading', () => {
  it.each([
    ['trained weights', NaN, true, undefined, 'F32', 'NaN at place 5 of 1408'],
    ['trained weights of a bf16 file', Infinity, true, undefined, 'BF16', 'Infinity at place 5'],
    ['frozen weights that are converted', -Infinity, false, bf16, 'F32', '-Infinity at place 5'],
  ] as [string, number, boolean, WeightFormat | undefined, SafetensorsDtype, string][])(
    'refuses %s',
    async (name, value, trainable, format, dtype, got) => {
      const folder = await damaged(name.replaceAll(' ', '-'), value, { dtype });
      const before = tf.memory().numTensors;
      const load = () => loadFixture(folder, trainable, format);
      await expect(load()).rejects.toThrow(new RegExp(`^LLMF_MODELS_WEIGHT_NOT_FINITE[^]*tensor ${weight}[^]*${got}`));
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('refuses an adapter', async () => {
    const tensor = 'base_model.model.model.layers.1.mlp.up_proj.lora_B.weight';
    const file = 'adapter_model.safetensors';
    const folder = await damaged('adapter', NaN, { file, tensor }, fixture('llama', 'adapter'));
    const model = await loadFixture(fixture('llama'));
    await expect(savedLora(model, folder, '--adapter')).rejects.toThrow(
      /LLMF_NN_ADAPTER_FILE[^]*layers\.1\.mlp\.up_proj, lora_B holds NaN or infinity/,
    );
    model.dispose();
  });
});

describe('saving', () => {
  const save = async (value: number, dtype: 'F16' | 'BF16' | 'F32', name: string) => {
    const model = await loadFixture(fixture('qwen2'), true);
    const variable = model.parameters.get(weight)!.value as tf.Variable;
    const values = (await variable.data()).slice() as Float32Array;
    values[7] = value;
    variable.assign(tf.tensor(values, variable.shape));
    const folder = join(scratch.path, name);
    try {
      await loader.save(model, folder, { source: fixture('qwen2'), dtype });
      return folder;
    } finally {
      model.dispose();
    }
  };

  it.each([
    [65520, 'F16', 'WEIGHT_TOO_LARGE', 'at most 65504'],
    [-1e30, 'F16', 'WEIGHT_TOO_LARGE', '-1\\.0000000150474662e\\+30 at place 7'],
    [3.4e38, 'BF16', 'WEIGHT_TOO_LARGE', 'at most 3.39e38'],
    [NaN, 'F32', 'WEIGHT_NOT_FINITE', 'NaN at place 7'],
    [Infinity, 'BF16', 'WEIGHT_NOT_FINITE', 'Infinity at place 7'],
  ] as const)('refuses %d in %s and leaves nothing behind', async (value, dtype, code, text) => {
    const name = `saved-${value}-${dtype}`;
    await expect(save(value, dtype, name)).rejects.toThrow(
      new RegExp(`^LLMF_MODELS_${code}[^]*tensor ${weight}[^]*${text}`),
    );
    expect(existsSync(join(scratch.path, name))).toBe(false);
  });

  it('writes the largest number of f16 and what rounds to it', async () => {
    const folder = await save(65519, 'F16', 'largest');
    const tensors = await readSafetensors(join(folder, 'model.safetensors'));
    expect(toFloat32(tensors[weight]!)[7]).toBe(65504);
  });

  it('refuses a frozen bf16 weight that is copied as it is', async () => {
    const source = await damaged('copied', NaN, { dtype: 'BF16' });
    const model = await loadFixture(source); // read in place, not looked at
    await expect(loader.save(model, join(scratch.path, 'copy'), { source, dtype: 'BF16' })).rejects.toThrow(
      new RegExp(`^LLMF_MODELS_WEIGHT_NOT_FINITE[^]*tensor ${weight}`),
    );
    model.dispose();
  });
});

it('the dtype of the saved weights stands under both keys, in the parts of the config too', async () => {
  const source = join(scratch.path, 'keys');
  mkdirSync(source);
  cpSync(fixture('qwen2'), source, { recursive: true });
  const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
  const parts = { text_config: { dtype: 'float32', depth: 2 }, vision_config: { torch_dtype: 'float32' } };
  writeFileSync(join(source, 'config.json'), JSON.stringify({ ...config, torch_dtype: 'float32', ...parts }));
  const model = await loadFixture(source);
  const folder = join(scratch.path, 'keys-saved');
  await loader.save(model, folder, { source, dtype: 'BF16' });
  expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).toEqual({
    ...config,
    dtype: 'bfloat16',
    torch_dtype: 'bfloat16',
    text_config: { dtype: 'bfloat16', depth: 2 },
    vision_config: { torch_dtype: 'bfloat16' },
  });
  model.dispose();
});
