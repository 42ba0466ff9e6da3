// SPDX-License-Identifier: Apache-2.0
/** Folders that bitsandbytes, GPTQ and AWQ tools write, as models; and folders of their layout that say something wrong. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors, writeSafetensors, type HostTensor } from '@llmf/core';
import { createModelLoader } from '@llmf/models';
import { expandedRows, packedOf, type WeightFormat } from '@llmf/nn';
import { awqLayout, bitsandbytesLayout, fourBitOptions, gptqLayout, int8, nf4 } from '@llmf/quantization';
import { afterAll, describe, expect, it } from 'vitest';
import { find, largestDifference, logits, packed, scratchFolder } from './fixture.js';

const scratch = scratchFolder();
afterAll(() => scratch.remove());

const forms = { formats: () => [], layouts: () => [bitsandbytesLayout, gptqLayout, awqLayout] };
const loader = createModelLoader({ find, forms });
const load = (folder: string, isTrainable = () => false) => loader.load(folder, { isTrainable, find });
const folderOf = (name: string) => new URL(`../fixtures-quantized/${name}`, import.meta.url).pathname;

/** oracles/models/quantized_folders.py: sha256 of each layer's expanded values. */
const oracle = JSON.parse(readFileSync(folderOf('expanded.json'), 'utf8')) as {
  readonly weights: Record<string, Record<string, string>>;
};
const digest = (values: Float32Array) =>
  createHash('sha256')
    .update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
    .digest('hex');

const formats: Record<string, string> = {
  nf4: 'nf4',
  fp4: 'fp4',
  int8: 'int8',
  gptq: 'int4',
  'gptq-act-order': 'int4',
  awq: 'int4',
};

it('has folders of six kinds', () => expect(Object.keys(oracle.weights)).toEqual(Object.keys(formats)));

describe.each(Object.entries(formats))('%s', (name, format) => {
  it('expands every layer to the bits of its definition', async () => {
    const model = await load(folderOf(name));
    expect(model.linears.size).toBe(7);
    for (const [path, { weight }] of model.linears) {
      const kept = packedOf(weight)!;
      expect(kept.format.name).toBe(format);
      expect([path, digest(expandedRows(kept, 0, kept.shape[0]!))]).toEqual([path, oracle.weights[name]![path]]);
      const last = kept.shape[0]! - 1;
      expect(expandedRows(kept, last, last + 1)).toEqual(
        expandedRows(kept, 0, kept.shape[0]!).subarray(last * kept.shape[1]!),
      );
    }
    expect(packedOf(model.head.weight)!.format.name).toBe('f16');
    model.dispose();
  });

  it('is not trained', async () => {
    await expect(load(folderOf(name), () => true)).rejects.toThrow(/LLMF_MODELS_TRAINED_PACKED/);
  });
});

describe('a folder written in the layout of bitsandbytes', () => {
  it.each([
    ['nf4', nf4, fourBitOptions.parse({})],
    [
      'nf4 in blocks of 128 with plain scales',
      nf4,
      fourBitOptions.parse({ blockSize: 128, doubleQuantization: false }),
    ],
    ['int8', int8, {}],
  ] as const)('%s has the weights that were quantized', async (name, format: WeightFormat, options) => {
    const source = folderOf('gptq'); // expanded first: a folder of plain weights
    const plain = join(scratch.path, 'plain');
    const saving = { source, dtype: 'F32' as const };
    const expanded = await load(source);
    await loader.save(expanded, plain, saving);
    const chosen = (weights: ReadonlyMap<string, { readonly kind: string }>) =>
      new Map([...weights].filter(([, { kind }]) => kind === 'linear').map(([key]) => [key, { format, options }]));
    const model = await loader.load(plain, { isTrainable: () => false, find, formats: chosen });
    const folder = join(scratch.path, name);
    await loader.save(model, folder, {
      source: plain,
      dtype: 'auto',
      layout: { writer: bitsandbytesLayout.writes!, options },
    });
    const again = await load(folder);
    const row = packed([Int32Array.of(1, 2, 3, 4)]);
    expect(largestDifference(await logits(model, row), await logits(again, row))).toBe(0);
    expect(packedOf(again.linears.get('model.layers.0.mlp.up_proj')!.weight)!.format.name).toBe(format.name);
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect(config).toMatchObject({
      dtype: 'float32',
      quantization_config: {
        quant_method: 'bitsandbytes',
        load_in_4bit: format === nf4,
        load_in_8bit: format === int8,
      },
    });
    for (const each of [expanded, model, again]) each.dispose();
  });
});

type Tensors = Record<string, HostTensor>;
type Config = { quantization_config: Record<string, unknown> };
const up = 'model.layers.0.mlp.up_proj';
const stateKey = `${up}.weight.quant_state.bitsandbytes__nf4`;
const bytes = (shape: number[], dtype: HostTensor['dtype'], size: number): HostTensor => ({
  dtype,
  shape,
  data: new Uint8Array(size * shape.reduce((a, b) => a * b, 1)),
});
const withState = (change: Record<string, unknown>) => (tensors: Tensors) => {
  const state = JSON.parse(Buffer.from(tensors[stateKey]!.data).toString()) as object;
  const data = new Uint8Array(Buffer.from(JSON.stringify({ ...state, ...change })));
  tensors[stateKey] = { dtype: 'U8', shape: [data.length], data };
};
const setting = (change: Record<string, unknown>) => (_tensors: Tensors, config: Config) =>
  void Object.assign(config.quantization_config, change);
const without = (key: string) => (tensors: Tensors) => void delete tensors[key];

describe('a folder that lies is refused by name', () => {
  let count = 0;
  async function changed(name: string, change: (tensors: Tensors, config: Config) => void): Promise<string> {
    const folder = join(scratch.path, `changed-${count++}`);
    cpSync(folderOf(name), folder, { recursive: true });
    const tensors = await readSafetensors(join(folder, 'model.safetensors'));
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Config;
    change(tensors, config);
    await writeSafetensors(join(folder, 'model.safetensors'), tensors);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    return folder;
  }

  it.each<[string, string, (tensors: Tensors, config: Config) => void, RegExp]>([
    ['another block size', 'nf4', withState({ blocksize: 128 }), /LAYOUT_TENSOR[^]*absmax/],
    ['a block size that is none', 'nf4', withState({ blocksize: 48 }), /LAYOUT_TENSOR[^]*blocksize 48/],
    ['a shape of another size', 'nf4', withState({ shape: [128, 128] }), /LAYOUT_TENSOR[^]*bytes of codes/],
    ['a shape turned', 'nf4', withState({ shape: [64, 128] }), /WEIGHT_SHAPE[^]*\[64, 128\][^]*\[128, 64\]/],
    ['another type than its name', 'nf4', withState({ quant_type: 'fp4' }), /LAYOUT_TENSOR[^]*quant_type fp4/],
    ['no offset of nested scales', 'nf4', withState({ nested_offset: undefined }), /LAYOUT_TENSOR[^]*nested_offset/],
    [
      'blocks of scales of another size',
      'nf4',
      withState({ nested_blocksize: 128 }),
      /LAYOUT_TENSOR[^]*nested_blocksize/,
    ],
    [
      'a state that is no JSON',
      'nf4',
      (tensors) => void (tensors[stateKey] = { dtype: 'U8', shape: [3], data: Buffer.from('{"a') }),
      /LAYOUT_TENSOR[^]*JSON of quant_type/,
    ],
    [
      'the values of another type',
      'nf4',
      (tensors) => void (tensors[`${up}.weight.quant_map`] = bytes([16], 'F32', 4)),
      /LAYOUT_TENSOR[^]*the values of nf4/,
    ],
    ['no scales', 'nf4', without(`${up}.weight.absmax`), /LAYOUT_MISSING[^]*absmax/],
    ['no state', 'nf4', without(stateKey), /LAYOUT_MISSING[^]*quant_state/],
    ['scales of 8 bits alone', 'int8', without(`${up}.SCB`), /LAYOUT_MISSING[^]*SCB/],
    [
      'fewer scales than rows',
      'int8',
      (tensors) => void (tensors[`${up}.SCB`] = bytes([5], 'F32', 4)),
      /LAYOUT_TENSOR[^]*SCB[^]*\[5\] F32[^]*\[128\] F32/,
    ],
    [
      'both formats',
      'nf4',
      (tensors) => {
        tensors[`${up}.SCB`] = bytes([128], 'F32', 4);
      },
      /LAYOUT_MIXED[^]*8 bits[^]*4 bits/,
    ],
    ['an offset that is no float32', 'nf4', withState({ nested_offset: 1e39 }), /LAYOUT_TENSOR[^]*nested_offset/],
    [
      'codes in the order of a GPU',
      'int8',
      (tensors) => void (tensors[`${up}.weight_format`] = { dtype: 'U8', shape: [1], data: Uint8Array.of(1) }),
      /LAYOUT_TENSOR[^]*weight_format[^]*order 1[^]*row after row/,
    ],
    ...(['nf4/weight.nested_absmax', 'int8/SCB', 'gptq/scales', 'awq/scales'] as const).map(
      (where): [string, string, (tensors: Tensors) => void, RegExp] => {
        const [name, part] = where.split('/') as [string, string];
        const change = (tensors: Tensors) => void tensors[`${up}.${part}`]!.data.fill(255, 0, 4); // NaN of 16 or 32 bits
        return ['scales that are no numbers', name, change, /LAYOUT_TENSOR[^]*NaN at place 0[^]*finite/];
      },
    ),
    ['neither format', 'nf4', setting({ load_in_4bit: false }), /LAYOUT_SETTINGS[^]*one of both/],
    ['a tool that nobody knows', 'nf4', setting({ quant_method: 'hqq' }), /QUANT_METHOD[^]*hqq[^]*bitsandbytes/],
    ['an unknown number of bits', 'gptq', setting({ bits: 3 }), /LAYOUT_SETTINGS[^]*bits[^]*3[^]*4/],
    ['a group size that is none', 'gptq', setting({ group_size: 0 }), /LAYOUT_SETTINGS[^]*group_size/],
    ['another group size', 'gptq', setting({ group_size: 64 }), /LAYOUT_TENSOR[^]*qzeros/],
    ['an unknown form', 'gptq', setting({ checkpoint_format: 'marlin' }), /LAYOUT_SETTINGS[^]*marlin/],
    ['an unknown version', 'awq', setting({ version: 'gemv' }), /LAYOUT_SETTINGS[^]*gemv/],
    ['no zeros', 'awq', without(`${up}.qzeros`), /LAYOUT_MISSING[^]*qzeros/],
    [
      'scales of another shape',
      'awq',
      (tensors) => void (tensors[`${up}.scales`] = bytes([2, 64], 'F16', 2)),
      /LAYOUT_TENSOR[^]*scales/,
    ],
  ])('%s (%s)', async (_title, name, change, told) => {
    await expect(load(await changed(name, change))).rejects.toThrow(told);
  });

  it('a group that there is not (gptq)', async () => {
    const folder = await changed('gptq', (tensors) => {
      new Int32Array(tensors[`${up}.g_idx`]!.data.buffer, tensors[`${up}.g_idx`]!.data.byteOffset, 1)[0] = 7;
    });
    await expect(load(folder)).rejects.toThrow(/LAYOUT_TENSOR[^]*g_idx[^]*group 7[^]*groups 0 to 1/);
  });
});
