// SPDX-License-Identifier: Apache-2.0
import type { LlmfError } from '@llmf/core';
import { tf } from '@llmf/nn';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import type { FoundAdapter } from '../device/adapter.js';
import { errors } from '../errors.js';
import { BufferPool } from './buffer-pool.js';
import { Runner } from './runner.js';

type BackendValues = Awaited<ReturnType<WebGPUBackend['read']>>;
type Entry = ReturnType<WebGPUBackend['tensorMap']['get']>;

/**
 * tfjs's WebGPU backend with what a training run needs of it: values are never kept twice, freed buffers do not pile up,
 * and a GPU that was lost or refused a command is an error at the next read, never zeros.
 */
export class TrainingWebGpuBackend extends WebGPUBackend {
  readonly runner = new Runner(this);
  /** Why nothing computed from now on counts. */
  private fault: LlmfError | null = null;

  constructor(
    device: GPUDevice,
    readonly adapter: FoundAdapter,
  ) {
    super(device, adapter.info);
    const { maxBufferSize, maxStorageBufferBindingSize } = device.limits;
    this.bufferManager = new BufferPool(
      device,
      Math.min(maxBufferSize, maxStorageBufferBindingSize),
    ) as unknown as WebGPUBackend['bufferManager'];
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
    const size = Math.max(4, 4 * tf.util.sizeFromShape(entry.shape)); // WebGPU has no empty bindings
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.bufferManager.acquireBuffer(size, usage);
    if (entry.values != null) this.queue.writeBuffer(buffer, 0, wordsOf(entry));
    entry.resource = buffer;
    (entry as { values: BackendValues | null }).values = null;
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

  private throwFault(): void {
    if (this.fault !== null) throw this.fault;
  }

  private entryOf(dataId: object): Entry {
    return this.tensorMap.get(dataId);
  }
}

/** Values as the GPU has them: four bytes each. */
function wordsOf({ values, dtype }: Entry): Float32Array | Int32Array {
  const Words = dtype === 'float32' ? Float32Array : Int32Array;
  return values instanceof Words ? values : Words.from(values as ArrayLike<number>);
}
