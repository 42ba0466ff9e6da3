// SPDX-License-Identifier: Apache-2.0
import type { DataId, DataStorage, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { tf } from '../tf.js';
import { expanded } from './expansion.js';

/** A frozen weight in its storage form, as kernels that know it read it. */
export interface PackedData {
  readonly storage: 'bf16';
  /** bfloat16 words, row-major, one per element. */
  readonly words: Uint16Array;
}

/** What a packed tensor's place in a backend's data holds: tfjs's own fields, and the packed form. */
interface PackedEntry {
  readonly dtype: 'float32';
  refCount: number;
  readonly packed: PackedData;
  /** float32, computed at each read: what any other kernel sees. */
  readonly values: Float32Array;
}

type HostBackend = KernelBackend & { readonly data: DataStorage<object> };

/** Can this backend hold packed entries? Those that keep tfjs's data entries in JS can (`cpu` and what extends it). */
export function holdsPacked(backend: KernelBackend): backend is HostBackend {
  return (backend as Partial<HostBackend>).data instanceof tf.DataStorage;
}

/** Adds a packed entry to a backend's data. */
export function writePacked(backend: HostBackend, packed: PackedData, shape: readonly number[]): DataId {
  const entry: PackedEntry = {
    dtype: 'float32',
    refCount: 1,
    packed,
    get values() {
      return expanded(packed, shape);
    },
  };
  const dataId = {};
  backend.data.set(dataId, entry);
  return dataId;
}

/** The packed form of a tensor, for kernels that read it; null for ordinary tensors. */
export function packedOf(
  { dataId }: Pick<TensorInfo, 'dataId'>,
  backend: KernelBackend = tf.backend(),
): PackedData | null {
  if (!holdsPacked(backend)) return null;
  return (backend.data.get(dataId) as Partial<PackedEntry> | undefined)?.packed ?? null;
}
