// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LlmfError } from '../errors.js';
import { fromFloat32, toFloat32 } from './float-bytes.js';
import {
  openSafetensors,
  openSafetensorsFolder,
  readSafetensors,
  streamSafetensors,
  writeSafetensors,
  type HostTensor,
  type SafetensorsDtype,
} from './safetensors.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const f32 = (shape: number[], values: number[]): HostTensor => ({
  dtype: 'F32',
  shape,
  data: fromFloat32(Float32Array.from(values), 'F32'),
});

/** A file with this header and so many data bytes, bypassing the writer. */
async function rawFile(name: string, header: string | object, dataBytes: number, length?: bigint): Promise<string> {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  const file = join(folder, name);
  await writeFile(file, Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]));
  return file;
}

const codeOf = async (work: Promise<unknown>): Promise<LlmfError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!LlmfError.is(error)) throw new Error(`expected a coded error, got ${String(error)}`);
  return error;
};

describe('a written file', () => {
  it('gives every dtype back with the same bytes', async () => {
    const dtypes: [SafetensorsDtype, number][] = [
      ...([
        ['BOOL', 1],
        ['U8', 1],
        ['I8', 1],
        ['I16', 2],
        ['BF16', 2],
      ] as [SafetensorsDtype, number][]),
      ...([
        ['F16', 2],
        ['I32', 4],
        ['F32', 4],
        ['I64', 8],
        ['F64', 8],
      ] as [SafetensorsDtype, number][]),
    ];
    const tensors = Object.fromEntries(
      dtypes.map(([dtype, bytes]) => [
        dtype,
        { dtype, shape: [3], data: Uint8Array.from({ length: 3 * bytes }, (_, i) => i) },
      ]),
    );
    const file = join(folder, 'all.safetensors');
    await writeSafetensors(file, tensors);
    expect(await readSafetensors(file)).toEqual(tensors);
  });

  it('pads its header to 8 bytes, says format pt and aligns wide elements', async () => {
    const file = join(folder, 'aligned.safetensors');
    await writeSafetensors(file, { odd: { dtype: 'U8', shape: [3], data: new Uint8Array(3) }, wide: f32([1], [7]) });
    const bytes = await readFile(file);
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    expect(header.__metadata__).toEqual({ format: 'pt' });
    expect(header.wide.data_offsets).toEqual([0, 4]);
    expect(header.odd.data_offsets).toEqual([4, 7]);
  });

  it('holds scalars and empty tensors', async () => {
    const file = join(folder, 'small.safetensors');
    const tensors = { scalar: f32([], [2.5]), empty: f32([0, 4], []) };
    await writeSafetensors(file, tensors);
    expect(await readSafetensors(file)).toEqual(tensors);
  });

  it('asks for the data of one tensor at a time', async () => {
    const file = join(folder, 'stream.safetensors');
    let inMemory = 0;
    const sizes: number[] = [];
    const list = ['a', 'b', 'c'].map((name) => ({
      name,
      dtype: 'F32' as const,
      shape: [1],
      data: async () => {
        sizes.push(++inMemory);
        await Promise.resolve();
        inMemory--;
        return new Uint8Array(4);
      },
    }));
    await streamSafetensors(file, list);
    expect(sizes).toEqual([1, 1, 1]);
  });

  it('does not replace the old file when the bytes of a tensor do not fit its shape', async () => {
    const file = join(folder, 'kept.safetensors');
    await writeSafetensors(file, { a: f32([1], [1]) });
    const before = await readFile(file);
    const error = await codeOf(writeSafetensors(file, { a: { ...f32([1], [1]), shape: [2] } }));
    expect(error.code).toBe('LLMF_CORE_SAFETENSORS_DATA');
    expect(error.message).toContain('4 bytes');
    expect(await readFile(file)).toEqual(before);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('reading', () => {
  it('takes single tensors and refuses unknown ones, naming the nearest', async () => {
    const file = join(folder, 'two.safetensors');
    await writeSafetensors(file, { 'layer.weight': f32([2], [1, 2]), 'layer.bias': f32([1], [3]) });
    const store = await openSafetensors(file);
    expect([...store.tensors.keys()]).toEqual(['layer.weight', 'layer.bias']);
    expect([...toFloat32(await store.read('layer.bias'))]).toEqual([3]);
    const error = await codeOf(store.read('layer.weigth'));
    expect(error.code).toBe('LLMF_CORE_SAFETENSORS_UNKNOWN');
    expect(error.message).toContain('such as layer.weight');
    await store.close();
  });

  it('reads the shards of a folder as one store', async () => {
    const sharded = join(folder, 'sharded');
    await mkdir(sharded);
    await writeSafetensors(join(sharded, 'model-1.safetensors'), { a: f32([1], [1]) });
    await writeSafetensors(join(sharded, 'model-2.safetensors'), { b: f32([1], [2]) });
    const index = { metadata: { total_size: 8 }, weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } };
    await writeFile(join(sharded, 'model.safetensors.index.json'), JSON.stringify(index));
    const store = await openSafetensorsFolder(sharded);
    expect([...toFloat32(await store.read('b'))]).toEqual([2]);
    await store.close();
    await writeSafetensors(join(sharded, 'model.safetensors'), { b: f32([1], [3]) });
    const single = await openSafetensorsFolder(sharded); // the index is stale
    expect([...single.tensors.keys()]).toEqual(['b']);
    expect([...toFloat32(await single.read('b'))]).toEqual([3]);
    await single.close();
  });

  it('refuses an index that points to a tensor its shard does not hold, or out of the folder', async () => {
    const sharded = join(folder, 'lying');
    await mkdir(sharded);
    await writeSafetensors(join(sharded, 'model-1.safetensors'), { a: f32([1], [1]) });
    const indexFile = join(sharded, 'model.safetensors.index.json');
    await writeFile(indexFile, JSON.stringify({ weight_map: { b: 'model-1.safetensors' } }));
    expect((await codeOf(openSafetensorsFolder(sharded))).message).toContain('b in model-1.safetensors');
    await writeFile(indexFile, JSON.stringify({ weight_map: { a: '../two.safetensors' } }));
    expect((await codeOf(openSafetensorsFolder(sharded))).code).toBe('LLMF_CORE_SAFETENSORS_INDEX');
  });

  it('says what a folder without weights holds', async () => {
    const empty = join(folder, 'no-weights');
    await mkdir(empty);
    await writeFile(join(empty, 'pytorch_model.bin'), '');
    const error = await codeOf(openSafetensorsFolder(empty));
    expect(error.code).toBe('LLMF_CORE_NO_WEIGHTS');
    expect(error.message).toContain('pytorch_model.bin');
  });
});

describe('mapping', () => {
  /** What a backend that maps files does, by reading. */
  const byReading = (descriptor: number, position: number, length: number) => {
    const data = new Uint8Array(length);
    readSync(descriptor, data, 0, length, position);
    return data;
  };

  it('shows the same bytes as reading, in one file and in shards', async () => {
    const sharded = join(folder, 'mapped-shards');
    await mkdir(sharded);
    await writeSafetensors(join(sharded, 'one.safetensors'), { a: f32([2], [1, 2]), b: f32([1], [3]) });
    await writeSafetensors(join(sharded, 'two.safetensors'), { c: f32([1, 1], [4]) });
    const index = { weight_map: { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' } };
    await writeFile(join(sharded, 'model.safetensors.index.json'), JSON.stringify(index));
    const store = await openSafetensorsFolder(sharded);
    for (const name of 'abc') expect(await store.map(name, byReading)).toEqual(await store.read(name));
    expect((await codeOf(store.map('d', byReading))).code).toBe('LLMF_CORE_SAFETENSORS_UNKNOWN');
    await store.close();
  });

  it('is not offered for an empty tensor, for one at an odd place, or where the system cannot', async () => {
    const place = (dtype: string, shape: number[], begin: number, end: number) => ({
      dtype,
      shape,
      data_offsets: [begin, end],
    });
    const header = { a: place('U8', [1], 0, 1), b: place('F32', [1], 1, 5), c: place('F32', [0], 5, 5) };
    const padded = JSON.stringify(header).padEnd(Math.ceil(JSON.stringify(header).length / 8) * 8); // data at a multiple of 8
    const store = await openSafetensors(await rawFile('odd.safetensors', padded, 5));
    expect(await store.map('a', byReading)).not.toBeNull();
    expect(await store.map('b', byReading)).toBeNull();
    expect(await store.map('c', byReading)).toBeNull();
    expect(await store.map('a', () => null)).toBeNull();
    await store.close();
  });

  it('refuses a file that was cut while it is open', async () => {
    const file = join(folder, 'cut-mapped.safetensors');
    await writeSafetensors(file, { a: f32([4], [1, 2, 3, 4]) });
    const store = await openSafetensors(file);
    await truncate(file, 80);
    expect((await codeOf(store.map('a', byReading))).code).toBe('LLMF_CORE_SAFETENSORS_TRUNCATED');
    await store.close();
  });
});

describe('a damaged file is refused', () => {
  const tensor = (begin: number, end: number, shape: number[], dtype = 'F32') => ({
    dtype,
    shape,
    data_offsets: [begin, end],
  });
  const cases: { claim: string; header: string | object; data: number; length?: bigint; code: string; text: string }[] =
    [
      {
        claim: 'header beyond the file',
        header: '{}',
        data: 0,
        length: 1000n,
        code: 'TRUNCATED',
        text: 'at least 1008',
      },
      {
        claim: 'absurd header length',
        header: '{}',
        data: 0,
        length: 2n ** 62n,
        code: 'HEADER',
        text: 'is this a safetensors file',
      },
      { claim: 'broken JSON', header: '{"a":', data: 0, code: 'HEADER', text: 'JSON' },
      { claim: 'a list as header', header: '[]', data: 0, code: 'HEADER', text: 'a JSON object' },
      { claim: 'bytes that are not UTF-8', header: '', data: 2, length: 2n, code: 'HEADER', text: 'JSON' },
      {
        claim: 'duplicate names',
        header:
          '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"\\u0061":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
        data: 8,
        code: 'DUPLICATE',
        text: 'got: a',
      },
      { claim: 'unknown dtype', header: { a: tensor(0, 4, [4], 'F8_E4M3') }, data: 4, code: 'DTYPE', text: 'F8_E4M3' },
      {
        claim: 'dtype named like a method',
        header: { a: tensor(0, 4, [4], 'toString') },
        data: 4,
        code: 'DTYPE',
        text: 'toString',
      },
      { claim: 'negative shape', header: { a: tensor(0, 4, [-1]) }, data: 4, code: 'HEADER', text: 'shape [-1]' },
      {
        claim: 'missing offsets',
        header: { a: { dtype: 'F32', shape: [1] } },
        data: 4,
        code: 'HEADER',
        text: 'data_offsets',
      },
      {
        claim: 'offsets that do not fit the shape',
        header: { a: tensor(0, 4, [2]) },
        data: 4,
        code: 'OFFSETS',
        text: '8 bytes for [2] F32',
      },
      { claim: 'reversed offsets', header: { a: tensor(4, 0, [1]) }, data: 4, code: 'OFFSETS', text: '-4 bytes' },
      {
        claim: 'overlap',
        header: { a: tensor(0, 8, [2]), b: tensor(4, 12, [2]) },
        data: 12,
        code: 'OFFSETS',
        text: 'overlaps',
      },
      {
        claim: 'hole',
        header: { a: tensor(0, 4, [1]), b: tensor(8, 12, [1]) },
        data: 12,
        code: 'OFFSETS',
        text: 'hole',
      },
      {
        claim: 'tensor beyond the file',
        header: { a: tensor(0, 8, [2]) },
        data: 4,
        code: 'TRUNCATED',
        text: 'tensor a',
      },
      { claim: 'bytes left over', header: { a: tensor(0, 4, [1]) }, data: 8, code: 'HEADER', text: '8 bytes of data' },
      {
        claim: 'a shape whose size overflows',
        header: { a: tensor(0, 4, [2 ** 40, 2 ** 40]) },
        data: 4,
        code: 'OFFSETS',
        text: 'tensor a',
      },
    ];

  it.each(cases)('$claim', async ({ claim, header, data, length, code, text }) => {
    const file = await rawFile(`${claim.replaceAll(' ', '-')}.safetensors`, header, data, length);
    const error = await codeOf(openSafetensors(file));
    expect(error.code).toBe(`LLMF_CORE_SAFETENSORS_${code}`);
    expect(error.message).toContain(text);
    expect(error.message).toContain(file);
    expect(error.status).toBe(1);
  });

  it('shorter than the length itself, or absent', async () => {
    const file = join(folder, 'tiny.safetensors');
    await writeFile(file, 'abc');
    expect((await codeOf(openSafetensors(file))).message).toContain('3 bytes');
    expect((await codeOf(openSafetensors(join(folder, 'nowhere')))).code).toBe('LLMF_CORE_SAFETENSORS_MISSING');
  });

  it('cut while it is open', async () => {
    const file = join(folder, 'cut.safetensors');
    await writeSafetensors(file, { a: f32([4], [1, 2, 3, 4]) });
    const store = await openSafetensors(file);
    await truncate(file, 80);
    expect((await codeOf(store.read('a'))).code).toBe('LLMF_CORE_SAFETENSORS_TRUNCATED');
    await store.close();
  });
});
