// SPDX-License-Identifier: Apache-2.0
import type { LlmfError } from '@llmf/core';
import { expandedRows, packedOf, tf, type PackedWeight } from '@llmf/nn';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { FoundAdapter } from '../device/adapter.js';
import { errors } from '../errors.js';
import { BufferPool } from './buffer-pool.js';
import { Runner } from './runner.js';
import { elementsOfBf16, matrixShape, partsOf, type WeightParts } from './weights.js';

type BackendValues = Awaited<ReturnType<WebGPUBackend['read']>>;
type Entry = ReturnType<WebGPUBackend['tensorMap']['get']>;

/**
 * tfjs's WebGPU backend with what a training run needs of it: values are never kept twice, freed buffers do not pile up,
 * and a GPU that was lost or refused a command is an error at the next read, never zeros.
 */
export class TrainingWebGpuBackend extends WebGPUBackend {
  readonly runner = new Runner(this);
  /** Bytes of the largest buffer; frozen weights above it are split. */
  readonly bufferLimit: number;
  /** Weights whose buffers hold another form than tfjs's float32, or several parts of it. */
  private readonly weights = new WeakMap<object, WeightParts>();
  /** Why nothing computed from now on counts. */
  private fault: LlmfError | null = null;

  constructor(
    device: GPUDevice,
    readonly adapter: FoundAdapter,
    bufferLimit = Infinity,
  ) {
    super(device, adapter.info);
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    this.bufferLimit = Math.min(maxBufferSize, maxStorageBufferBindingSize, bufferLimit);
    this.bufferManager = new BufferPool(device, this.bufferLimit) as unknown as WebGPUBackend['bufferManager'];
    this.watch(device, adapter.name);
  }

  get isLost(): boolean {
    return this.fault !== null;
  }

  /** @throws deviceLost, deviceError */
  override async read(dataId: object): Promise<BackendValues> {
    const { values, resource, dtype, shape } = this.entryOf(dataId);
    if (values != null) return values;
    if (tf.util.sizeFromShape(shape) === 0) return tf.util.getTypedArrayFromDType(dtype as 'float32', 0);
    const packed = this.weights.has(dataId) ? packedOf({ dataId }) : null;
    if (packed !== null) return allOf(packed);
    this.throwFault();
    try {
      const bytes = await this.getBufferData(resource as GPUBuffer);
      this.throwFault();
      return tf.util.convertBackendValuesAndArrayBuffer(bytes, dtype);
    } catch (error) {
      await new Promise(setImmediate); // a lost device says so a moment later than its commands fail
      this.throwFault();
      throw error;
    }
  }

  /** @throws synchronousRead, unless the values have not yet left this process */
  override readSync(dataId: object): BackendValues {
    const { values, shape } = this.entryOf(dataId);
    if (values != null) return values;
    throw errors.synchronousRead({ shape });
  }

  /** Through the queue, which orders it before the kernels that read it; no staging buffer is made. */
  override uploadToGPU(dataId: object): void {
    const entry = this.entryOf(dataId);
    if (entry.resource != null) return;
    const packed = this.weights.has(dataId) ? packedOf({ dataId }) : null;
    if (packed !== null) this.setValues(entry, allOf(packed));
    const size = Math.max(4, 4 * tf.util.sizeFromShape(entry.shape)); // WebGPU has no empty bindings
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.bufferManager.acquireBuffer(size, usage);
    if (entry.values != null) this.queue.writeBuffer(buffer, 0, wordsOf(entry));
    entry.resource = buffer;
    this.setValues(entry, null);
  }

  /** A frozen bf16 weight, once, as kernels of ours read it; one of tfjs's makes it float32 when it first asks for it. */
  uploadWeight(weight: PackedWeight): object {
    const dataId = this.write(null as unknown as BackendValues, [...weight.shape], 'float32');
    const parts = partsOf(this, elementsOfBf16(weight), matrixShape(weight.shape), this.bufferLimit);
    this.weights.set(dataId, { format: 'bf16', parts });
    return dataId;
  }

  /** A weight [N, K] as kernels read it: in parts by rows where it is above the limit of a buffer. */
  weightOf(tensor: tf.TensorInfo): WeightParts {
    const { dataId, shape } = tensor;
    const known = this.weights.get(dataId);
    if (known !== undefined) return known;
    const { values } = this.entryOf(dataId);
    const size = 4 * tf.util.sizeFromShape(shape);
    if (!(values instanceof Float32Array) || size <= this.bufferLimit)
      return { format: 'f32', parts: [{ tensor, first: 0, rows: shape[0]! }] };
    const split = { format: 'f32', parts: partsOf(this, values, matrixShape(shape), this.bufferLimit) } as const;
    this.weights.set(dataId, split);
    return split;
  }

  override submitQueue(): void {
    super.submitQueue();
    this.runner.submitted();
  }

  override disposeData(dataId: object, force = false): boolean {
    const parts = this.refCount(dataId) <= 1 || force ? this.weights.get(dataId)?.parts : undefined;
    for (const { tensor } of parts ?? []) this.disposeData(tensor.dataId);
    return super.disposeData(dataId, force);
  }

  /** A tensor for a kernel to write; its values are what the buffer's last tensor left. */
  output(shape: readonly number[], dtype: 'float32' | 'int32' = 'float32'): tf.TensorInfo {
    return this.makeTensorInfo([...shape], dtype);
  }

  zeros(shape: readonly number[]): tf.TensorInfo {
    const tensor = this.output(shape);
    this.runner.clear(tensor);
    return tensor;
  }

  private watch(device: GPUDevice, adapter: string): void {
    void device.lost.then(({ reason, message }) => {
      this.fault = errors.deviceLost({ adapter, reason: [reason, message].filter(Boolean).join(': ') });
    });
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      this.fault ??= errors.deviceError({ adapter, reason: (event as GPUUncapturedErrorEvent).error.message });
    });
  }

  private setValues(entry: Entry, values: BackendValues | null): void {
    (entry as { values: BackendValues | null }).values = values;
  }

  private throwFault(): void {
    if (this.fault !== null) throw this.fault;
  }

  private entryOf(dataId: object): Entry {
    return this.tensorMap.get(dataId);
  }
}

const allOf = (weight: PackedWeight): Float32Array => expandedRows(weight, 0, weight.shape[0] ?? 1);

/** Values as the GPU has them: four bytes each. */
function wordsOf({ values, dtype }: Entry): Float32Array | Int32Array {
  const Words = dtype === 'float32' ? Float32Array : Int32Array;
  return values instanceof Words ? values : Words.from(values as ArrayLike<number>);
}
