// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, readdirSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  fromFloat32,
  readSafetensors,
  toFloat32,
  writeSafetensors,
  type HostTensor,
  type MapFile,
  type SafetensorsDtype,
} from '@llmf/core';
import { createModelLoader } from '@llmf/models';
import { bf16, packedOf, tf, type Parameter, type WeightFormat } from '@llmf/nn';
import { afterAll, describe, expect, it } from 'vitest';
import {
  everyMatrixIn,
  find,
  fixture,
  largestDifference,
  loader,
  loadFixture,
  logits,
  packed,
  scratchFolder,
} from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

type Tensors = Record<string, HostTensor>;
let count = 0;

/** A copy of a fixture whose weights and config were changed. */
async function changed(
  name: string,
  change: (tensors: Tensors) => Tensors | void,
  config: Record<string, unknown> = {},
): Promise<string> {
  const folder = join(scratch.path, `changed-${count++}`);
  mkdirSync(folder);
  const tensors = await readSafetensors(fixture(name, 'model.safetensors'));
  await writeSafetensors(join(folder, 'model.safetensors'), change(tensors) ?? tensors);
  const original = JSON.parse(readFileSync(fixture(name, 'config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...original, ...config }));
  return folder;
}

const same = () => undefined;
const renamed = (tensors: Tensors, rename: (key: string) => string): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([key, tensor]) => [rename(key), tensor]));
const row = packed([Int32Array.of(1, 2, 3, 4)]);
const zeros = (shape: number[]): HostTensor => ({
  dtype: 'F32',
  shape,
  data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)),
});

async function expectSameLogits(name: string, folder: string): Promise<void> {
  const [original, other] = [await loadFixture(fixture(name)), await loadFixture(folder)];
  expect(largestDifference(await logits(original, row), await logits(other, row))).toBe(0);
  original.dispose();
  other.dispose();
}

describe('names of weights', () => {
  it('may lack the prefix, as files of the bare decoder do', async () => {
    await expectSameLogits('gpt2', await changed('gpt2', (t) => renamed(t, (key) => key.replace('transformer.', ''))));
    await expectSameLogits('qwen2', await changed('qwen2', (t) => renamed(t, (key) => key.replace(/^model\./, ''))));
  });

  it('of buffers are passed over', async () => {
    const withMask = await changed('gpt2', (t) => {
      t['transformer.h.0.attn.bias'] = zeros([1, 1, 4, 4]);
      t['transformer.h.0.attn.masked_bias'] = zeros([1]);
    });
    await expectSameLogits('gpt2', withMask);
    const withFrequencies = await changed('llama', (t) => {
      t['model.layers.0.self_attn.rotary_emb.inv_freq'] = zeros([8]);
    });
    await expectSameLogits('llama', withFrequencies);
  });

  it('of a tied head may be there with equal values', async () => {
    const folder = await changed('qwen2', (t) => {
      t['lm_head.weight'] = t['model.embed_tokens.weight']!;
    });
    await expectSameLogits('qwen2', folder);
  });
});

describe('weights that do not belong to the config are refused', () => {
  it.each<[string, string, (t: Tensors) => Tensors | void, Record<string, unknown>, string, string[]]>([
    [
      'missing',
      'llama',
      (t) => {
        delete t['model.norm.weight'];
      },
      {},
      'LLMF_MODELS_WEIGHT_MISSING',
      ['model.norm.weight [32]', 'lacks a weight'],
    ],
    [
      'missing under a similar name',
      'llama',
      (t) => renamed(t, (key) => key.replace('model.norm.', 'model.norms.')),
      {},
      'LLMF_MODELS_WEIGHT_MISSING',
      ['similar ones: model.norms.weight'],
    ],
    [
      'more layers than weights',
      'llama',
      same,
      { num_hidden_layers: 3 },
      'LLMF_MODELS_WEIGHT_MISSING',
      ['model.layers.2', 'and 8 more'],
    ],
    [
      'fewer layers than weights',
      'llama',
      same,
      { num_hidden_layers: 1 },
      'LLMF_MODELS_WEIGHT_UNEXPECTED',
      ['model.layers.1', 'and 8 more'],
    ],
    [
      'a bias too many',
      'llama-tied-biased',
      same,
      { attention_bias: false },
      'LLMF_MODELS_WEIGHT_UNEXPECTED',
      ['self_attn.k_proj.bias [16]'],
    ],
    [
      'no head where none is tied',
      'qwen2',
      same,
      { tie_word_embeddings: false },
      'LLMF_MODELS_WEIGHT_MISSING',
      ['lm_head.weight [97, 32]'],
    ],
    [
      'another vocabulary',
      'llama',
      same,
      { vocab_size: 98 },
      'LLMF_MODELS_WEIGHT_SHAPE',
      ['got: [97, 32]', 'expected: [98, 32]'],
    ],
    [
      'another width of the MLP, turned on disk',
      'gpt2',
      same,
      { n_inner: 48 },
      'LLMF_MODELS_WEIGHT_SHAPE',
      ['c_fc.weight', 'got: [32, 44]', 'expected: [32, 48]'],
    ],
    [
      'numbers that are no floats',
      'llama',
      (t) => {
        t['model.norm.weight'] = { dtype: 'I32', shape: [32], data: new Uint8Array(128) };
      },
      {},
      'LLMF_MODELS_WEIGHT_DTYPE',
      ['model.norm.weight', 'got: I32'],
    ],
    [
      'a tied head of its own',
      'qwen2',
      (t) => {
        t['lm_head.weight'] = zeros([97, 32]);
      },
      {},
      'LLMF_MODELS_TIED_WEIGHTS_DIFFER',
      ['lm_head.weight differs from model.embed_tokens.weight'],
    ],
  ])('%s', async (_, name, change, config, code, texts) => {
    const folder = await changed(name, change, config);
    const before = tf.memory().numTensors;
    const loading = loadFixture(folder);
    await expect(loading).rejects.toMatchObject({ code, status: 1 });
    for (const text of [...texts, folder]) await expect(loading).rejects.toThrow(text);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('frees what was loaded when a later weight cannot be read', async () => {
    const before = tf.memory().numTensors;
    const failing = loader.load(fixture('llama'), {
      find,
      isTrainable: (name) => {
        if (name === 'model.norm.weight') throw new Error('no');
        return false;
      },
    });
    await expect(failing).rejects.toThrow('no');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('says what is wrong with config.json', async () => {
    const folder = join(scratch.path, 'configs');
    mkdirSync(folder);
    await expect(loadFixture(folder)).rejects.toMatchObject({ code: 'LLMF_MODELS_CONFIG_UNREADABLE' });
    writeFileSync(join(folder, 'config.json'), '{"model_type": ');
    await expect(loadFixture(folder)).rejects.toMatchObject({ code: 'LLMF_MODELS_CONFIG_UNREADABLE' });
    writeFileSync(join(folder, 'config.json'), '{"hidden_size": 3}');
    await expect(loadFixture(folder)).rejects.toThrow(/LLMF_MODELS_MODEL_TYPE[^]*keys hidden_size/);
  });
});

describe('how weights are kept', () => {
  it('trainable ones as variables, frozen matrices as in the format asked for, vectors as f32', async () => {
    const model = await loader.load(fixture('qwen2'), {
      formats: everyMatrixIn(bf16),
      isTrainable: (name, blocks) => name.startsWith(`${blocks[1]}.`),
      find,
    });
    for (const { name, trainable, value } of model.parameters.values()) {
      expect(trainable).toBe(name.startsWith('model.layers.1.'));
      expect(value instanceof tf.Variable).toBe(trainable);
      const isMatrix = value.rank === 2;
      expect(packedOf(value)?.format.name ?? 'f32', name).toBe(!trainable && isMatrix ? 'bf16' : 'f32');
    }
    model.dispose();
  });

  it('refuses a format that would keep nothing: every weight is trained', async () => {
    await expect(loadFixture(fixture('qwen2'), true, bf16)).rejects.toThrow(
      /LLMF_MODELS_TRAINED_IN_FORMAT: no weight is kept in bf16[^]*15 weights, all trained/,
    );
  });

  it('bfloat16 words of the file unchanged, and saved so again', async () => {
    const folder = await changed('qwen2', (t) =>
      Object.fromEntries(
        Object.entries(t).map(([key, one]) => [
          key,
          { ...one, dtype: 'BF16', data: fromFloat32(toFloat32(one), 'BF16') },
        ]),
      ),
    );
    const model = await loadFixture(folder);
    const stored = await readSafetensors(join(folder, 'model.safetensors'));
    const key = 'model.layers.0.mlp.up_proj.weight';
    const words = packedOf(model.parameters.get(key)!.value)!.parts['values']!;
    expect(Buffer.compare(Buffer.from(words.buffer, words.byteOffset, words.byteLength), stored[key]!.data)).toBe(0);
    const again = join(scratch.path, 'bf16-again');
    await loader.save(model, again, { source: folder, dtype: 'auto' });
    expect(await readSafetensors(join(again, 'model.safetensors'))).toEqual(stored);
    model.dispose();
  });

  it('bfloat16 within rounding of the logits in f32', async () => {
    const [exact, rounded] = [await loadFixture(fixture('gpt2')), await loadFixture(fixture('gpt2'), false, bf16)];
    const [a, b] = [await logits(exact, row), await logits(rounded, row)];
    const scale = Math.max(...a.map(Math.abs));
    expect(largestDifference(a, b)).toBeLessThan(0.02 * scale); // weights are off by 2⁻⁹, summed over 2 layers
    expect(largestDifference(a, b)).toBeGreaterThan(0);
    exact.dispose();
    rounded.dispose();
  });
});

describe('weights in a mapped file', () => {
  /** Stands for a backend's: reads, and remembers the arrays it gave. */
  function rememberingMap() {
    const given = new Set<ArrayBufferLike>();
    const mapFile: MapFile = (descriptor, position, length) => {
      const data = new Uint8Array(length);
      readSync(descriptor, data, 0, length, position);
      given.add(data.buffer);
      return data;
    };
    return { given, mapFile };
  }
  const inDtype = (dtype: SafetensorsDtype) => (tensors: Tensors) =>
    Object.fromEntries(
      Object.entries(tensors).map(([key, one]) => [key, { ...one, dtype, data: fromFloat32(toFloat32(one), dtype) }]),
    );
  const bufferOf = ({ value }: Parameter) =>
    packedOf(value)?.parts['values']!.buffer ?? (value.dataSync() as Float32Array).buffer; // plain JS gives its own array

  it('are used where they lie when they are frozen and stored as they are kept; all others are copied', async () => {
    const cases: { name: string; dtype: SafetensorsDtype; format?: WeightFormat; inPlace: string }[] = [
      { name: 'qwen2', dtype: 'BF16', inPlace: 'matrices' },
      { name: 'qwen2', dtype: 'F32', inPlace: 'all' },
      { name: 'qwen2', dtype: 'F32', format: bf16, inPlace: 'vectors' },
      { name: 'qwen2', dtype: 'F16', inPlace: 'matrices' },
      { name: 'gpt2', dtype: 'F32', inPlace: 'all but turned' },
    ];
    for (const { name, dtype, format, inPlace } of cases) {
      const formats = format && everyMatrixIn(format);
      const folder = await changed(name, inDtype(dtype));
      const { given, mapFile } = rememberingMap();
      const isTrainable = (key: string, blocks: readonly string[]) => key.startsWith(`${blocks[1]}.`);
      const model = await loader.load(folder, { formats, isTrainable, find, mapFile });
      const read = await loader.load(folder, { formats, isTrainable, find });
      const infos = find(name).weights({ ...model.config });
      for (const [key, parameter] of model.parameters) {
        const isMatrix = ['linear', 'embedding'].includes(infos.get(key)!.kind);
        const isKept =
          { matrices: isMatrix, vectors: !isMatrix, all: true, 'all but turned': true }[inPlace]! &&
          infos.get(key)!.transposedOnDisk !== true;
        expect(given.has(bufferOf(parameter)), `${dtype} ${key}`).toBe(!parameter.trainable && isKept);
      }
      expect(largestDifference(await logits(model, row), await logits(read, row))).toBe(0);
      model.dispose();
      read.dispose();
    }
  });

  it('are checked against a tied head without reading it', async () => {
    const folder = await changed('qwen2', (t) => {
      t['lm_head.weight'] = t['model.embed_tokens.weight']!;
    });
    const { mapFile } = rememberingMap();
    const model = await loader.load(folder, { isTrainable: () => false, find, mapFile });
    model.dispose();
    const differing = await changed('qwen2', (t) => {
      t['lm_head.weight'] = zeros([...t['model.embed_tokens.weight']!.shape]);
    });
    const failing = loader.load(differing, { isTrainable: () => false, find, mapFile });
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_MODELS_TIED_WEIGHTS_DIFFER' });
  });
});

describe('save', () => {
  const sharding = createModelLoader({ find, shardBytes: 20_000 });

  it('splits weights above the limit, with an index, and reads them back', async () => {
    const model = await loadFixture(fixture('gpt2'));
    const folder = join(scratch.path, 'sharded');
    await sharding.save(model, folder, { source: fixture('gpt2'), dtype: 'auto' });
    const names = readdirSync(folder).sort();
    const shards = names.filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect(shards[0]).toBe(`model-00001-of-0000${shards.length}.safetensors`);
    const index = JSON.parse(readFileSync(join(folder, 'model.safetensors.index.json'), 'utf8'));
    expect(Object.keys(index.weight_map).sort()).toEqual([...model.parameters.keys()].sort());
    const sizes = await Promise.all(
      shards.map(async (name) => Object.values(await readSafetensors(join(folder, name)))),
    );
    expect(sizes.every((tensors) => tensors.reduce((sum, { data }) => sum + data.length, 0) <= 20_000)).toBe(true);
    expect(index.metadata.total_size).toBe(sizes.flat().reduce((sum, { data }) => sum + data.length, 0));
    await expectSameLogits('gpt2', folder);
    model.dispose();
  });

  it('into a folder that is in use keeps its other files and leaves no old shards', async () => {
    const model = await loadFixture(fixture('gpt2'));
    const folder = join(scratch.path, 'output');
    mkdirSync(folder);
    writeFileSync(join(folder, 'metrics.jsonl'), 'mine');
    await sharding.save(model, folder, { source: fixture('gpt2'), dtype: 'auto' });
    await loader.save(model, folder, { source: fixture('gpt2'), dtype: 'auto' });
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'metrics.jsonl', 'model.safetensors']);
    await expectSameLogits('gpt2', folder);
    model.dispose();
  });

  it('carries tokenizer, templates and generation settings along, and brings the dtype up to date', async () => {
    const source = join(scratch.path, 'source');
    cpSync(fixture('qwen2'), source, { recursive: true });
    for (const name of ['tokenizer.json', 'generation_config.json', 'chat_template.jinja', 'notes.txt']) {
      writeFileSync(join(source, name), name);
    }
    mkdirSync(join(source, 'additional_chat_templates'));
    writeFileSync(join(source, 'additional_chat_templates', 'tool.jinja'), 'tool');
    const config = JSON.parse(readFileSync(join(source, 'config.json'), 'utf8'));
    writeFileSync(join(source, 'config.json'), JSON.stringify({ ...config, mine: [1] }));
    const model = await loadFixture(source);
    const folder = join(scratch.path, 'carried');
    await loader.save(model, folder, { source, dtype: 'BF16' });
    const names = readdirSync(folder).sort();
    expect(names).toEqual([
      'additional_chat_templates',
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect(readFileSync(join(folder, 'additional_chat_templates', 'tool.jinja'), 'utf8')).toBe('tool');
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).toEqual({
      ...config,
      mine: [1],
      dtype: 'bfloat16',
    });
    model.dispose();
  });

  it('writes the dtype under the older key where the config has that one', async () => {
    const source = await changed('qwen2', same, { dtype: undefined, torch_dtype: 'float32' });
    const model = await loadFixture(source);
    const folder = join(scratch.path, 'older');
    await loader.save(model, folder, { source, dtype: 'F16' });
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect([config.torch_dtype, config.dtype]).toEqual(['float16', undefined]);
    model.dispose();
  });

  it('leaves the folder as it was when a weight cannot be written', async () => {
    const model = await loadFixture(fixture('qwen2'));
    const folder = join(scratch.path, 'kept');
    await loader.save(model, folder, { source: fixture('qwen2'), dtype: 'auto' });
    model.dispose(); // reading its weights now fails
    await expect(loader.save(model, folder, { source: fixture('qwen2'), dtype: 'auto' })).rejects.toThrow();
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors']);
    await expectSameLogits('qwen2', folder);
    const fresh = join(scratch.path, 'never');
    await expect(loader.save(model, fresh, { source: fixture('qwen2'), dtype: 'auto' })).rejects.toThrow();
    expect(readdirSync(scratch.path)).not.toContain('never');
  });
});

describe('fingerprint', () => {
  it('changes with a weight and with the config, not with its layout or other files', async () => {
    const original = await loader.fingerprint(fixture('qwen2'));
    expect(original).toMatch(/^[0-9a-f]{64}$/);
    const copy = await changed('qwen2', same);
    writeFileSync(join(copy, 'notes.txt'), 'other');
    expect(await loader.fingerprint(copy)).toBe(original);
    const weight = await changed('qwen2', (t) => {
      t['model.norm.weight']!.data[0]! ^= 1;
    });
    expect(await loader.fingerprint(weight)).not.toBe(original);
    expect(await loader.fingerprint(await changed('qwen2', same, { rms_norm_eps: 1e-5 }))).not.toBe(original);
  });
});

describe('weights that are shared with another model', () => {
  it('are that model’s own, and the others are read: logits equal a full copy’s', async () => {
    const folder = fixture('llama');
    const isTrainable = (name: string) => name.startsWith('model.layers.1.');
    const policy = await loader.load(folder, { isTrainable, find });
    const shared = new Map([...policy.parameters].filter(([, { trainable }]) => !trainable));
    const bytes = tf.memory().numBytes;
    const partly = await loader.load(folder, { isTrainable: () => false, find, shared });
    const added = tf.memory().numBytes - bytes;
    const whole = await loadFixture(folder);
    expect(added).toBeLessThan((tf.memory().numBytes - bytes - added) / 2);
    for (const [name, { value }] of shared) expect(partly.parameters.get(name)!.value).toBe(value);
    const own = [...partly.parameters].filter(([name]) => !shared.has(name));
    expect(own.length).toBeGreaterThan(0);
    expect(
      own.every(
        ([name, { value }]) => name.startsWith('model.layers.1.') && value !== policy.parameters.get(name)!.value,
      ),
    ).toBe(true);
    const row = packed([Int32Array.of(5, 9, 33, 60)]);
    expect(await logits(partly, row)).toEqual(await logits(whole, row));
  });
});
