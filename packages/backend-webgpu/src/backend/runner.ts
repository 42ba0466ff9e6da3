// SPDX-License-Identifier: Apache-2.0
import type { tf } from '@llmf/nn';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { Paces, secondsPerDispatch } from './pace.js';
import { numbersOf, type Program } from './program.js';

/** What the runner shares with tfjs's own dispatches, which are recorded into the same pass. Fields of version 4.22. */
interface Recorder {
  commandEncoder: GPUCommandEncoder | null;
  computePassEncoder: GPUComputePassEncoder | null;
  commandQueueOwnedIds: WeakSet<object>;
  dispatchCountInPass: number;
  uniformPendingDisposal: GPUBuffer[];
}

export interface Call<Reads extends string, Writes extends string, Numbers extends string> {
  readonly reads: Readonly<Record<Reads, tf.TensorInfo>>;
  readonly writes: Readonly<Record<Writes, tf.TensorInfo>>;
  readonly numbers: Readonly<Record<Numbers, number>>;
  readonly groups: number;
  /** Multiplications, or what takes as long, of one group. */
  readonly groupWork: number;
}

/** Dispatches of one pass; tfjs submits after 15 of its own. */
const dispatchesPerPass = 32;

/** Records dispatches of our programs, none of them longer than the driver's watchdog likes. */
export class Runner {
  /** Of the work of each program; until the GPU is measured, those of a slow one. */
  readonly paces = new Paces(2 ** 26);
  /** How long one dispatch, and one submission, may take. */
  seconds = secondsPerDispatch;
  private readonly pipelines = new Map<string, GPUComputePipeline>();
  private readonly recorder: Recorder;
  /** Seconds that what is recorded is expected to take, by program, and in all. */
  private expected = new Map<Program, number>();
  private secondsRecorded = 0;

  constructor(private readonly backend: WebGPUBackend) {
    this.recorder = backend as unknown as Recorder;
  }

  run<Reads extends string, Writes extends string, Numbers extends string>(
    program: Program<Reads, Writes, Numbers>,
    call: Call<Reads, Writes, Numbers>,
  ): void {
    const { maxComputeWorkgroupsPerDimension } = this.backend.device.limits;
    const secondsOfGroup = Math.max(1, call.groupWork) / this.paces.of(program);
    const affordable = Math.max(1, Math.floor(this.seconds / secondsOfGroup));
    const size = Math.min(maxComputeWorkgroupsPerDimension, affordable);
    const tensors = tensorsOf(program, call);
    const buffers = tensors.map((tensor) => this.bufferOf(tensor));
    for (let first = 0; first < call.groups; first += size) {
      const groups = Math.min(size, call.groups - first);
      for (const { dataId } of tensors) this.recorder.commandQueueOwnedIds.add(dataId); // again, behind a submission
      this.dispatch(program, buffers, numbersOf(program, call.numbers, first), groups);
      this.expect(program, groups * secondsOfGroup);
      if (this.secondsRecorded >= this.seconds || this.recorder.dispatchCountInPass >= dispatchesPerPass) this.submit();
    }
  }

  clear(tensor: tf.TensorInfo): void {
    const buffer = this.bufferOf(tensor);
    this.backend.ensureCommandEncoderReady();
    this.backend.endComputePassEncoder();
    this.recorder.commandEncoder!.clearBuffer(buffer);
  }

  submit(): void {
    this.backend.ensureCommandEncoderReady();
    this.backend.endComputePassEncoder();
    this.backend.submitQueue();
  }

  /** What was recorded is on its way, whoever sent it. */
  submitted(): void {
    this.paces.watch(this.expected, this.backend.queue.onSubmittedWorkDone());
    this.expected = new Map();
    this.secondsRecorded = 0;
  }

  private expect(program: Program, seconds: number): void {
    this.expected.set(program, (this.expected.get(program) ?? 0) + seconds);
    this.secondsRecorded += seconds;
  }

  /** Its buffer, which is not freed before what is recorded has been submitted. */
  private bufferOf({ dataId }: tf.TensorInfo): GPUBuffer {
    this.backend.uploadToGPU(dataId);
    this.recorder.commandQueueOwnedIds.add(dataId);
    return this.backend.tensorMap.get(dataId).resource as GPUBuffer;
  }

  private dispatch(program: Program, buffers: readonly GPUBuffer[], numbers: ArrayBuffer, groups: number): void {
    const { backend, recorder } = this;
    const pipeline = this.pipelineOf(program);
    const usage = GPUBufferUsage.COPY_DST | GPUBufferUsage.UNIFORM;
    const uniform = backend.bufferManager.acquireBuffer(numbers.byteLength, usage);
    backend.queue.writeBuffer(uniform, 0, numbers);
    recorder.uniformPendingDisposal.push(uniform);
    const entries = [...buffers, uniform].map((buffer, binding) => ({ binding, resource: { buffer } }));
    const bindGroup = backend.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    backend.ensureCommandEncoderReady();
    recorder.computePassEncoder ??= recorder.commandEncoder!.beginComputePass();
    recorder.computePassEncoder.setPipeline(pipeline);
    recorder.computePassEncoder.setBindGroup(0, bindGroup);
    recorder.computePassEncoder.dispatchWorkgroups(groups);
    recorder.dispatchCountInPass++;
  }

  private pipelineOf({ name, source }: Program): GPUComputePipeline {
    const known = this.pipelines.get(name);
    if (known !== undefined) return known;
    const { device } = this.backend;
    const module = device.createShaderModule({ code: source, label: name });
    const pipeline = device.createComputePipeline({
      compute: { module, entryPoint: 'main' },
      label: name,
      layout: 'auto',
    });
    this.pipelines.set(name, pipeline);
    return pipeline;
  }
}

/** In the order of the program's bindings. */
const tensorsOf = (program: Program, { reads, writes }: Call<string, string, string>): tf.TensorInfo[] => [
  ...Object.keys(program.reads).map((name) => reads[name]!),
  ...Object.keys(program.writes).map((name) => writes[name]!),
];
