// SPDX-License-Identifier: Apache-2.0
import { firstNonFinite, type HostTensor, type MapFile, type SafetensorsDtype, type TensorInfo } from '@llmf/core';
import type { QuantizedFolder } from '@llmf/nn';
import { layoutErrors } from './layout-errors.js';

/** Looks up the tensors of quantized weights, each as what it has to be. */
export class FolderReader {
  constructor(readonly of: QuantizedFolder) {}

  get keys(): IterableIterator<string> {
    return this.of.store.tensors.keys();
  }

  has(key: string): boolean {
    return this.of.store.tensors.has(key);
  }

  /** @throws LLMF_QUANTIZATION_LAYOUT_MISSING */
  info(key: string, weight: string): TensorInfo {
    const info = this.of.store.tensors.get(key);
    if (info !== undefined) return info;
    throw layoutErrors.layoutMissing({ folder: this.of.folder, tensor: key, weight });
  }

  /** @throws LLMF_QUANTIZATION_LAYOUT_MISSING, LLMF_QUANTIZATION_LAYOUT_TENSOR */
  check(key: string, weight: string, dtypes: readonly SafetensorsDtype[], shape: readonly number[]): TensorInfo {
    const info = this.info(key, weight);
    if (dtypes.includes(info.dtype) && info.shape.join() === shape.join()) return info;
    throw this.refuse(key, formOf(info), `[${shape.join(', ')}] ${dtypes.join(' or ')}`);
  }

  refuse(tensor: string, got: string, expected: string): Error {
    return layoutErrors.layoutTensor({ folder: this.of.folder, tensor, got, expected });
  }

  async read(key: string): Promise<HostTensor> {
    return await this.of.store.read(key);
  }

  /** Where possible a view into the file. */
  async view(key: string, mapFile?: MapFile): Promise<Uint8Array> {
    const { store } = this.of;
    return ((mapFile && (await store.map(key, mapFile))) ?? (await store.read(key))).data;
  }

  /** Float32 values of a small tensor. @throws LLMF_QUANTIZATION_LAYOUT_TENSOR where one is no finite number */
  async floats(key: string): Promise<Float32Array> {
    return this.finite(key, new Float32Array((await this.read(key)).data.slice().buffer));
  }

  /** The same of values that were read. */
  finite(key: string, values: Float32Array): Float32Array {
    const at = firstNonFinite(values);
    if (at >= 0) throw this.refuse(key, `${values[at]} at place ${at}`, 'finite numbers');
    return values;
  }
}

export const formOf = ({ shape, dtype }: TensorInfo): string => `[${shape.join(', ')}] ${dtype}`;
