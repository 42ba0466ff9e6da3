// SPDX-License-Identifier: Apache-2.0
import { crc32, Damage } from './file-sum.js';
import { openSafetensors, writeSafetensors, type HostTensor, type TensorInfo } from './safetensors.js';

/** A safetensors file that carries a sum over its tensors in its metadata, so that a damaged one is recognised. */
export async function writeSummed(file: string, tensors: Readonly<Record<string, HostTensor>>): Promise<void> {
  let sum = 0;
  for (const name of Object.keys(tensors).sort()) sum = added(sum, name, tensors[name]!, tensors[name]!.data);
  await writeSafetensors(file, tensors, { format: 'pt', crc32: String(sum) });
}

/** @throws LLMF_CORE_SAFETENSORS_…, Damage for a file whose tensors are not those that were written */
export async function readSummed(file: string): Promise<Record<string, HostTensor>> {
  const store = await openSafetensors(file);
  try {
    const tensors: Record<string, HostTensor> = {};
    let sum = 0;
    for (const name of [...store.tensors.keys()].sort()) {
      tensors[name] = await store.read(name);
      sum = added(sum, name, tensors[name], tensors[name].data);
    }
    if (store.metadata['crc32'] !== String(sum)) throw new Damage('its bytes are not those that were written');
    return tensors;
  } finally {
    await store.close();
  }
}

const added = (sum: number, name: string, { dtype, shape }: TensorInfo, data: Uint8Array): number =>
  crc32(data, crc32(JSON.stringify([name, dtype, shape]), sum));
