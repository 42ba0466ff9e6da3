// SPDX-License-Identifier: Apache-2.0
import { crc32 } from 'node:zlib';
import { openSafetensors, streamSafetensors, type TensorToWrite } from '@llmf/core';
import { modelErrors } from '../errors.js';

/** What a file must hold: the checksum of each tensor's bytes, its shape and its dtype. */
export interface WrittenTensor extends Pick<TensorToWrite, 'name' | 'shape' | 'dtype'> {
  readonly sum: number;
}

/**
 * Writes a safetensors file, reads it back and compares every tensor with what was written.
 * @throws LLMF_MODELS_READ_BACK, LLMF_CORE_NO_SPACE
 */
export async function writeAndReadBack(file: string, tensors: readonly TensorToWrite[]): Promise<void> {
  const written: WrittenTensor[] = [];
  const noted = tensors.map(({ name, shape, dtype, data }) => ({
    name,
    shape,
    dtype,
    data: async () => {
      const bytes = await data();
      written.push({ name, shape, dtype, sum: crc32(bytes) });
      return bytes;
    },
  }));
  await streamSafetensors(file, noted);
  await readBack(file, written);
}

/** @throws LLMF_MODELS_READ_BACK naming the first tensor that is missing, too many or another */
export async function readBack(file: string, written: readonly WrittenTensor[]): Promise<void> {
  const store = await openSafetensors(file);
  try {
    const refuse = (tensor: string, got: string, expected: string) =>
      modelErrors.readBack({ file, tensor, got, expected });
    const strange = [...store.tensors.keys()].find((name) => !written.some((each) => each.name === name));
    if (strange !== undefined) throw refuse(strange, 'a tensor that was not written', `${written.length} tensors`);
    for (const { name, shape, dtype, sum } of written) {
      const info = store.tensors.get(name);
      const form = `[${shape}] ${dtype}`;
      if (info === undefined) throw refuse(name, 'no such tensor', form);
      const { data, ...got } = await store.read(name);
      if (`[${got.shape}] ${got.dtype}` !== form) throw refuse(name, `[${got.shape}] ${got.dtype}`, form);
      if (crc32(data) !== sum) throw refuse(name, 'other bytes than were written', 'the same bytes');
    }
  } finally {
    await store.close();
  }
}
