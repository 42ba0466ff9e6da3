// SPDX-License-Identifier: Apache-2.0
import type { DataId, DataStorage, KernelBackend, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { PackedWeight } from '../contracts/weight-format.js';
import { backendFacts } from '../backends/facts.js';
import { tf } from '../tf.js';
import { expanded } from './expansion.js';
import { PackedHolder } from './packed-holder.js';

/** Every packed weight by its tensor's data. A weight that tfjs moved as float32 stays here: its values are the same. */
const packedWeights = new WeakMap<DataId, PackedWeight>();
let isAnyPacked = false;

/** What a packed tensor's place in a backend's data holds: tfjs's own fields, and values that nobody keeps. */
interface PackedEntry {
  readonly dtype: 'float32';
  refCount: number;
  readonly packed: PackedWeight;
  /** float32, computed at each read: what any kernel sees that does not know the format. */
  readonly values: Float32Array;
}

type HostBackend = KernelBackend & { readonly data: DataStorage<object> };

/** Has any weight been packed in this process? */
export const hasPackedWeights = (): boolean => isAnyPacked;

/** The packed form of a tensor; null for ordinary tensors. */
export const packedOf = ({ dataId }: Pick<TensorInfo, 'dataId'>): PackedWeight | null =>
  isAnyPacked ? (packedWeights.get(dataId) ?? null) : null;

/** Do the current backend's kernels read this weight as it is kept? */
export const isReadNatively = ({ format }: PackedWeight): boolean => backendFacts().formats?.has(format.name) === true;

/** A tensor of a packed weight, whatever the backend; it lives until it is disposed. */
export function packedTensor(weight: PackedWeight): Tensor {
  const backend = tf.backend();
  const { upload } = backendFacts();
  if (upload !== undefined && isReadNatively(weight)) return tensorOf(weight, upload(weight), backend);
  const holder = keepsEntries(backend) ? backend : PackedHolder.shared();
  const dataId = holder instanceof PackedHolder ? holder.hold(weight) : writeEntry(holder, weight);
  return tensorOf(weight, dataId, holder);
}

function tensorOf(weight: PackedWeight, dataId: DataId, holder: KernelBackend): Tensor {
  packedWeights.set(dataId, weight);
  isAnyPacked = true;
  const info = { dataId, shape: [...weight.shape], dtype: 'float32' as const };
  return tf.keep(tf.engine().makeTensorFromTensorInfo(info, holder));
}

/** Backends that keep tfjs's data entries in JS (`cpu` and what extends it) hold packed ones among them. */
const keepsEntries = (backend: KernelBackend): backend is HostBackend =>
  (backend as Partial<HostBackend>).data instanceof tf.DataStorage;

function writeEntry(backend: HostBackend, packed: PackedWeight): DataId {
  const entry: PackedEntry = {
    dtype: 'float32',
    refCount: 1,
    packed,
    get values() {
      return expanded(packed);
    },
  };
  const dataId = {};
  backend.data.set(dataId, entry);
  return dataId;
}
