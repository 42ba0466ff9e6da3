// SPDX-License-Identifier: Apache-2.0
/** GGUF files as models: written by the gguf package as llama.cpp's converter writes them, and broken ones. */
import { readFileSync, writeFileSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Tokenizer } from '@llmf/data';
import { createModelLoader } from '@llmf/models';
import { packedOf, type Model } from '@llmf/nn';
import { ggufBlocks } from '@llmf/quantization';
import { afterAll, describe, expect, it } from 'vitest';
import { ggufFolder } from '../src/gguf/gguf-folder.js';
import { find, fixture, largestDifference, logits, packed, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const forms = { formats: () => ggufBlocks, layouts: () => [] };
const loader = createModelLoader({ find, forms });
const folderOf = (file: string) => ggufFolder(file, join(scratch.path, 'cache'));
const load = async (file: string, isTrainable = () => false): Promise<Model> =>
  loader.load(await folderOf(file), { isTrainable, find });

/** oracles/models/gguf_files.py */
const oracle = JSON.parse(readFileSync(fixture('gguf-logits.json'), 'utf8')) as {
  readonly ids: number[];
  readonly logits: Record<string, number[]>;
};
const names = Object.keys(oracle.logits);

it('has a file of four kinds', () => expect(names).toEqual(['llama', 'mistral', 'qwen2', 'qwen3']));

it('is read through the folder that llmf made of it alone: another folder’s pointer leads nowhere', async () => {
  const other = join(scratch.path, 'other');
  await cp(await folderOf(fixture('llama.gguf')), other, { recursive: true });
  for (const pointer of [JSON.stringify({ file: fixture('llama.gguf') }), '{ no JSON', '{"file":5}']) {
    writeFileSync(join(other, 'gguf.json'), pointer);
    await expect(loader.load(other, { isTrainable: () => false, find })).rejects.toThrow('LLMF_CORE_NO_WEIGHTS');
  }
});

describe.each(names)('%s.gguf', (name) => {
  const file = fixture(`${name}.gguf`);

  it('has the logits that Transformers computes from its expanded weights', async () => {
    const model = await load(file);
    expect(model.modelType).toBe(name);
    const got = (await logits(model, packed([Int32Array.from(oracle.ids)]))).slice(-512);
    expect(largestDifference(got, Float32Array.from(oracle.logits[name]!))).toBeLessThan(2e-4);
    model.dispose();
  });

  it('keeps matrices in the blocks of the file', async () => {
    const model = await load(file);
    const kept = new Set([...model.parameters.values()].map(({ value }) => packedOf(value)?.format.name ?? 'f32'));
    const expected: Record<string, string[]> = {
      llama: ['q8_0', 'q4_0', 'q4_k', 'f32'],
      mistral: ['f16', 'q4_1', 'q5_k', 'f32'],
      qwen2: ['q4_0', 'q5_0', 'q6_k', 'f32'],
      qwen3: ['q5_1', 'bf16', 'q8_0', 'f32'],
    };
    expect([...kept].sort()).toEqual(expected[name]!.sort());
    model.dispose();
  });

  it('has the ids, the template and the ends of its metadata', async () => {
    const tokenizer = await Tokenizer.load(await folderOf(file));
    expect(tokenizer.eos).toEqual({ id: 2, text: '<|end|>' });
    expect(tokenizer.vocabularySize).toBe(512);
    expect(tokenizer.chatTemplates.get('default')).toContain('<|end|>');
    expect(tokenizer.decode(tokenizer.encode('What is a goat? It is an animal.<|end|>'))).toBe(
      'What is a goat? It is an animal.<|end|>',
    );
    const config = JSON.parse(await readFile(join(await folderOf(file), 'config.json'), 'utf8')) as object;
    expect(config).toMatchObject({ eos_token_id: 2, pad_token_id: 2, rms_norm_eps: 1e-5 });
  });
});

it('finds the scaling of rotary positions of Llama 3 again', async () => {
  const folder = await folderOf(fixture('llama.gguf'));
  const { rope_scaling: scaling, rope_theta: theta } = JSON.parse(
    await readFile(join(folder, 'config.json'), 'utf8'),
  ) as Record<string, unknown>;
  expect([theta, scaling]).toEqual([
    500_000,
    { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 },
  ]);
});

it('is not trained: full tuning is refused by name', async () => {
  await expect(load(fixture('llama.gguf'), () => true)).rejects.toThrow(
    /LLMF_MODELS_TRAINED_PACKED[^]*q8_0[^]*adapter: lora/,
  );
});

it('is not rounded a second time, but expanded', async () => {
  const folder = await folderOf(fixture('llama.gguf'));
  const asked = (name: string) => {
    const format = ggufBlocks.find((each) => each.name === name)!;
    return () => new Map([['model.layers.0.self_attn.q_proj.weight', { format, options: {} }]]);
  };
  const options = { isTrainable: () => false, find };
  await expect(loader.load(folder, { ...options, formats: asked('q4_1') })).rejects.toThrow(
    /LLMF_MODELS_PACKED_TWICE[^]*q4_0 in the file, `quantization: q4_1`/,
  );
  (await loader.load(folder, { ...options, formats: asked('q4_0') })).dispose();
});

describe('a broken file', () => {
  const whole = readFileSync(fixture('qwen2.gguf'));
  let count = 0;
  const broken = (change: (bytes: Buffer) => Buffer | void): string => {
    const bytes = Buffer.from(whole);
    const file = join(scratch.path, `broken-${count++}.gguf`);
    writeFileSync(file, change(bytes) ?? bytes);
    return file;
  };
  /** Where a key's value begins: behind its name and its type. */
  const valueAt = (bytes: Buffer, key: string) => bytes.indexOf(key) + key.length + 4;
  const tensorAt = (bytes: Buffer, name: string) =>
    bytes.indexOf(name, bytes.indexOf('tokenizer.chat_template')) + name.length;

  it.each<[string, (bytes: Buffer) => Buffer | void, RegExp]>([
    ['of another magic', (b) => void b.write('GGML'), /GGUF_BROKEN[^]*"GGML"/],
    ['of a version that is none', (b) => void b.writeUInt32LE(9, 4), /GGUF_BROKEN[^]*version 9/],
    ['of no bytes', () => Buffer.alloc(0), /GGUF_TRUNCATED[^]*0 bytes/],
    ['cut short in its head', (b) => b.subarray(0, 100), /GGUF_TRUNCATED|GGUF_BROKEN/],
    ['with a huge count of tensors', (b) => void b.writeBigUInt64LE(2n ** 60n, 8), /GGUF_BROKEN[^]*tensors[^]*at most/],
    ['with a huge count of keys', (b) => void b.writeBigUInt64LE(2n ** 40n, 16), /GGUF_BROKEN[^]*keys[^]*at most/],
    ['with a huge text', (b) => void b.writeBigUInt64LE(2n ** 50n, 24), /GGUF_TRUNCATED/],
    [
      'with a huge array',
      (b) => void b.writeBigUInt64LE(2n ** 50n, valueAt(b, 'tokenizer.ggml.tokens') + 4),
      /GGUF_BROKEN[^]*elements of an array/,
    ],
    [
      'with a value of no type',
      (b) => void b.writeUInt32LE(77, valueAt(b, 'qwen2.block_count') - 4),
      /GGUF_BROKEN[^]*type 77/,
    ],
    [
      'of an unknown kind',
      (b) => void b.write('qwenX', valueAt(b, 'general.architecture') + 8),
      /GGUF_KIND[^]*qwenX[^]*llama, qwen2, qwen3/,
    ],
    [
      'with more layers than it holds',
      (b) => void b.writeUInt32LE(2, valueAt(b, 'qwen2.block_count')),
      /WEIGHT_MISSING[^]*model\.layers\.1/,
    ],
    [
      'with a tokenizer of another kind',
      (b) => void b.write('bert', valueAt(b, 'tokenizer.ggml.model') + 8),
      /GGUF_TOKENIZER[^]*bert/,
    ],
    [
      'whose texts are cut in an unknown way',
      (b) => void b.write('qwenX', valueAt(b, 'tokenizer.ggml.pre') + 8),
      /GGUF_TOKENIZER[^]*qwenX/,
    ],
    [
      'with an end token beyond its tokens',
      (b) => void b.writeUInt32LE(9999, valueAt(b, 'tokenizer.ggml.eos_token_id')),
      /GGUF_VALUE[^]*9999[^]*an id below 512/,
    ],
    [
      'with blocks that nobody knows',
      (b) => void b.writeUInt32LE(10, tensorAt(b, 'blk.0.attn_q.weight') + 4 + 16),
      /GGUF_TENSOR[^]*blk\.0\.attn_q\.weight[^]*q2_k/,
    ],
    [
      'with rows that are no whole blocks',
      (b) => void b.writeUInt32LE(12, tensorAt(b, 'blk.0.attn_q.weight') + 4 + 16),
      /GGUF_TENSOR[^]*whole blocks of 256/,
    ],
    [
      'with a place that lies',
      (b) => void b.writeBigUInt64LE(2n ** 32n, tensorAt(b, 'blk.0.attn_q.weight') + 4 + 16 + 4),
      /GGUF_TRUNCATED[^]*blk\.0\.attn_q\.weight/,
    ],
    [
      'with a place that is not aligned',
      (b) => void b.writeBigUInt64LE(33n, tensorAt(b, 'blk.0.attn_q.weight') + 4 + 16 + 4),
      /GGUF_BROKEN[^]*alignment 32/,
    ],
    [
      'with a place within another tensor',
      (b) => void b.writeBigUInt64LE(64n, tensorAt(b, 'blk.0.attn_q.weight') + 4 + 16 + 4),
      /GGUF_BROKEN[^]*at byte \d+[^]*ends/,
    ],
    [
      'with no heads',
      (b) => void b.writeUInt32LE(0, valueAt(b, 'qwen2.attention.head_count')),
      /GGUF_VALUE[^]*head_count[^]*from 1 on/,
    ],
    [
      'with heads that do not divide it',
      (b) => void b.writeUInt32LE(7, valueAt(b, 'qwen2.attention.head_count')),
      /GGUF_VALUE[^]*head_count/,
    ],
    [
      'as wide as no model',
      (b) => void b.writeUInt32LE(2 ** 31, valueAt(b, 'qwen2.embedding_length')),
      /GGUF_VALUE[^]*embedding_length[^]*2147483648[^]*64, as token_embd/,
    ],
    [
      'with a shape that is another',
      (b) => void b.writeBigUInt64LE(32n, tensorAt(b, 'blk.0.attn_q.weight') + 4 + 8),
      /WEIGHT_SHAPE[^]*q_proj[^]*\[32, 64\][^]*\[64, 64\]/,
    ],
    ['cut short in its last tensor', (b) => b.subarray(0, b.length - 64), /GGUF_TRUNCATED[^]*tensor/],
  ])('%s is refused by name', async (_title, change, told) => {
    await expect(load(broken(change))).rejects.toThrow(told);
  });
});
