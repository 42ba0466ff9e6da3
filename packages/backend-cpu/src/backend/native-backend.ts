// SPDX-License-Identifier: Apache-2.0
import { packedOf, tf } from '@llmf/nn';
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import type { Addon, NativeFunction } from '../addon/addon.js';
import { MemoryArena } from './memory-arena.js';

type TensorInfo = tf.TensorInfo;
type DataId = object;
type Values = tf.backend_util.BackendValues;

/** A tensor's data as tfjs's JS backend keeps it; frozen weights keep `packed` and expand `values` on demand only. */
interface DataEntry {
  values?: Values;
  dtype: tf.DataType;
  refCount: number;
  readonly packed?: unknown;
}

/** A new float32 tensor whose values a kernel is about to write, all of them. */
export interface Output {
  readonly info: TensorInfo;
  readonly values: Float32Array;
}

/**
 * tfjs's JS backend whose kernel outputs come from an arena. Values of other origin (the user's arrays) are left alone:
 * they are neither used again nor changed.
 */
export class NativeBackend extends MathBackendCPU {
  readonly arena: MemoryArena;
  readonly kernels: Readonly<Record<string, NativeFunction>>;
  /** Precision bf16: the factors of matrix products are rounded to bf16, sums stay float32. */
  roundsProducts = false;

  constructor(readonly addon: Addon) {
    super();
    this.arena = new MemoryArena(addon);
    this.kernels = addon.kernels;
    (this as unknown as { firstUse: boolean }).firstUse = false; // else it greets with advice to install another backend
  }

  override write(values: Values, shape: number[], dtype: tf.DataType): DataId {
    this.retain(values);
    return super.write(values, shape, dtype);
  }

  override move(dataId: DataId, values: Values, shape: number[], dtype: tf.DataType, refCount: number): void {
    this.retain(values);
    super.move(dataId, values, shape, dtype, refCount);
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const entry = this.data.has(dataId) ? this.entry(dataId) : undefined;
    const isGone = super.disposeData(dataId, force);
    if (isGone && entry !== undefined && !('packed' in entry)) this.drop(entry.values);
    return isGone;
  }

  /** A copy where the memory is the arena's, since that will hold something else later. */
  override readSync(dataId: DataId): Values {
    const values = super.readSync(dataId);
    return ArrayBuffer.isView(values) && this.arena.references(values) > 0 ? (values as Float32Array).slice() : values;
  }

  /** A float32 tensor with undefined contents. */
  output(shape: readonly number[]): Output {
    const size = tf.util.sizeFromShape([...shape]);
    const values = this.arena.floats(size);
    return { info: this.makeTensorInfo([...shape], 'float32', values), values };
  }

  outputIntegers(shape: readonly number[]): { readonly info: TensorInfo; readonly values: Int32Array } {
    const size = tf.util.sizeFromShape([...shape]);
    const values = this.arena.integers(size);
    return { info: this.makeTensorInfo([...shape], 'int32', values), values };
  }

  /** The tensor's own values as floats. A dtype does not tell the array's class: tfjs's JS casts keep the old array. */
  floats({ dataId }: TensorInfo): Float32Array {
    const { values } = this.entry(dataId);
    return values instanceof Float32Array ? values : Float32Array.from(values as Int32Array);
  }

  /** A matrix that may be packed: float32 values, or bf16 bits as they are. */
  weight(info: TensorInfo): Float32Array | Uint16Array {
    return packedOf(info, this)?.words ?? this.floats(info);
  }

  optionalFloats(info: TensorInfo | undefined): Float32Array | null {
    return info === undefined ? null : this.floats(info);
  }

  integers({ dataId }: TensorInfo): Int32Array {
    const { values } = this.entry(dataId);
    return values instanceof Int32Array ? values : Int32Array.from(values as Float32Array);
  }

  /** Plain float32 values in a Float32Array: what native kernels take. */
  isFloats({ dtype, dataId }: TensorInfo): boolean {
    return dtype === 'float32' && this.isPlain(dataId) && this.entry(dataId).values instanceof Float32Array;
  }

  /** Plain values of four bytes: what can be copied natively. */
  isWords({ dtype, dataId }: TensorInfo): boolean {
    if ((dtype !== 'float32' && dtype !== 'int32') || !this.isPlain(dataId)) return false;
    const { values } = this.entry(dataId);
    return dtype === 'float32' ? values instanceof Float32Array : values instanceof Int32Array;
  }

  /**
   * Values that may be changed in place: nobody else sees the array. An array of other origin, or one that a slice
   * shares, is replaced by a copy first.
   */
  ownFloats({ dataId }: TensorInfo): Float32Array {
    const entry = this.entry(dataId);
    const values = entry.values as Float32Array;
    if (this.arena.references(values) === 1) return values;
    const copy = this.arena.floats(values.length);
    copy.set(values);
    this.retain(copy);
    this.drop(values);
    entry.values = copy;
    return copy;
  }

  private isPlain(dataId: DataId): boolean {
    return !('packed' in this.entry(dataId));
  }

  private entry(dataId: DataId): DataEntry {
    return this.data.get(dataId) as DataEntry;
  }

  private retain(values: Values | undefined): void {
    if (ArrayBuffer.isView(values)) this.arena.retain(values);
  }

  private drop(values: Values | undefined): void {
    if (ArrayBuffer.isView(values)) this.arena.drop(values);
  }
}
