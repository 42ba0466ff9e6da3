// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { fromFloat32, streamSafetensors, type TensorToWrite } from '@llmf/core';
import { afterAll, describe, expect, it } from 'vitest';
import { readBack, writeAndReadBack, type WrittenTensor } from './read-back.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-read-back-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'model.safetensors');

const tensor = (name: string, values: number[]): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  data: async () => fromFloat32(Float32Array.from(values), 'F32'),
});
const tensors = [tensor('a', [1, 2]), tensor('b', [3])];
const written = async (): Promise<WrittenTensor[]> =>
  Promise.all(tensors.map(async ({ name, dtype, shape, data }) => ({ name, dtype, shape, sum: crc32(await data()) })));

describe('a file that was written', () => {
  it('is accepted where it reads back as it was', async () => {
    await expect(writeAndReadBack(file, tensors)).resolves.toBeUndefined();
  });

  it('is refused where a single bit differs, and the tensor named', async () => {
    await streamSafetensors(file, tensors);
    const bytes = readFileSync(file);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(file, bytes);
    await expect(readBack(file, await written())).rejects.toThrow(
      /LLMF_MODELS_READ_BACK[^]*tensor b\n {2}got: other bytes/,
    );
  });

  it.each([
    ['lacks a tensor', [tensors[0]!], /tensor b\n {2}got: no such tensor\n {2}expected: \[1\] F32/],
    ['holds one more', [...tensors, tensor('c', [4])], /tensor c\n {2}got: a tensor that was not written/],
    ['has another shape', [tensors[0]!, tensor('b', [3, 3])], /tensor b\n {2}got: \[2\] F32\n {2}expected: \[1\] F32/],
  ])('is refused where it %s', async (_, other, message) => {
    await streamSafetensors(file, other);
    await expect(readBack(file, await written())).rejects.toThrow(message);
  });
});
