// SPDX-License-Identifier: Apache-2.0

/** One call of a backend's kernel. */
export interface KernelCall {
  readonly kernel: string;
  /** What the kernel is part of, in the backend's words: `products`, `attention`, … */
  readonly group: string;
  /** As performance.now() counts. */
  readonly start: number;
  readonly milliseconds: number;
  /** Multiplications and additions that its result needs; 0 for what only moves data. */
  readonly flops: number;
  /** Bytes that it reads and writes, each once. */
  readonly bytes: number;
  /** Bytes of tensors that are alive after it. */
  readonly liveBytes: number;
}

/** What a machine can do at most, measured on it with the threads and the precision of the run. */
export interface MeasuredLimits {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** How a backend shows where its time goes. */
export interface KernelProfile {
  /** Tells of every call from now on. @returns ends it */
  watch(told: (call: KernelCall) => void): () => void;
  /** Takes some tenths of a second and memory of its own. */
  limits(): MeasuredLimits;
}
