// SPDX-License-Identifier: Apache-2.0
import { packedOf, tf } from '@llmf/nn';
import { constants } from 'node:buffer';
import { createRequire } from 'node:module';
import type { Addon, NativeWeight } from '../addon/addon.js';
import { bindKernels } from '../addon/bind-kernels.js';
import { allocate } from '../addon/out-of-memory.js';
import { WeightPanels, type PanelSide } from '../kernels/linear/weight-panels.js';
import type { NativeCalls } from '../kernels/signatures.js';
import { MemoryArena } from './memory-arena.js';
import { nativeWeight } from './weight-forms.js';

const { MathBackendCPU } = createRequire(import.meta.url)(
  '@tensorflow/tfjs-backend-cpu',
) as typeof import('@tensorflow/tfjs-backend-cpu'); // as nn takes tfjs

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

/** Arrays of others from this size on are copied into the arena. */
const largeBytes = 1 << 20;

/** A mapping begins at a page; 64 KiB on some arm64 systems. */
const longestPage = 65_536;

/**
 * tfjs's JS backend whose kernel outputs come from an arena. Values of other origin (the user's arrays) are left alone:
 * they are neither used again nor changed.
 */
export class NativeBackend extends MathBackendCPU {
  readonly arena: MemoryArena;
  readonly kernels: NativeCalls;
  /** Frozen bf16 weights are kept packed for products as well. */
  packsWeights = false;
  private readonly weightPanels: WeightPanels;
  /** Precision bf16: the factors of matrix products are rounded to bf16, sums stay float32. */
  roundsProducts = false;
  /** Buffers over the bytes of a file: nobody may write them. */
  private readonly mapped = new WeakSet<ArrayBufferLike>();

  constructor(readonly addon: Addon) {
    super();
    this.arena = new MemoryArena({ allocate: (bytes) => allocate(addon, bytes) });
    this.kernels = bindKernels(addon);
    this.weightPanels = new WeightPanels(this.kernels);
    (this as unknown as { firstUse: boolean }).firstUse = false; // else it greets with advice to install another backend
  }

  override write(values: Values, shape: number[], dtype: tf.DataType): DataId {
    const kept = this.isLargeForeign(values) ? this.copy(values) : values;
    this.retain(kept);
    return super.write(kept, shape, dtype);
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

  /** A copy where the memory is the arena's, since that will hold something else later, or lies in a file. */
  override readSync(dataId: DataId): Values {
    const values = super.readSync(dataId);
    if (!ArrayBuffer.isView(values)) return values;
    const isShared = this.arena.references(values) > 0 || this.mapped.has(values.buffer);
    return isShared ? (values as Float32Array).slice() : values;
  }

  /** Bytes of an open file, never copied into this process; kernels read them, everybody else gets copies. */
  mapFile(descriptor: number, position: number, length: number): Uint8Array | null {
    const isTooLong = length > constants.MAX_LENGTH - longestPage; // for one JS array; V8 would end the process
    const buffer = isTooLong ? null : this.addon.mapFile(descriptor, position, length);
    if (buffer === null) return null;
    this.mapped.add(buffer);
    return new Uint8Array(buffer, buffer.byteLength - length, length);
  }

  /** How often bytes of mapped files could not be read; kernels saw zeros. */
  lostPages(): number {
    return this.addon.lostPages();
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

  /** A matrix that may be packed: float32 values, or the parts of its format as they are. */
  weight(info: TensorInfo): NativeWeight {
    const packed = packedOf(info);
    return packed === null ? this.floats(info) : nativeWeight(packed);
  }

  /** The weight packed for products with its rows or its columns; null: packed by each product. */
  panels(info: TensorInfo, side: PanelSide): Uint16Array | null {
    const words = this.packsWeights && this.roundsProducts ? this.weight(info) : null;
    if (!(words instanceof Uint16Array)) return null;
    const panels = this.weightPanels.of(words, info.shape[0]!, info.shape[1]!, side);
    if (panels?.isFresh) this.forgetMapped(words);
    return panels?.values ?? null;
  }

  /** Gives the pages of a mapped array back where it will hardly be read again; does nothing to other arrays. */
  forgetMapped(values: ArrayBufferView): void {
    if (this.mapped.has(values.buffer)) this.addon.forgetPages(values as Uint16Array);
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
    const copy = this.copy(values);
    this.retain(copy);
    this.drop(values);
    entry.values = copy;
    return copy;
  }

  /** Weights and the like: kept twice, they would wait for the garbage collector when they are first changed in place. */
  private isLargeForeign(values: Values): values is Float32Array {
    if (!(values instanceof Float32Array) || values.byteLength < largeBytes) return false;
    return !this.arena.owns(values) && !this.mapped.has(values.buffer);
  }

  private copy(values: Float32Array): Float32Array {
    const copy = this.arena.floats(values.length);
    copy.set(values);
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
