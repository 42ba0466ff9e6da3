// SPDX-License-Identifier: Apache-2.0

/** What a native function takes, in the order in which it reads them; the C++ side checks types and lengths. */
export type NativeArgument = number | boolean | null | Float32Array | Int32Array | Uint16Array | Uint8Array;

/** @throws Error when an argument has the wrong type or an array is too short */
export type NativeFunction = (...values: NativeArgument[]) => void;

/** The compiled addon, see native/addon.cc. */
export interface Addon {
  /** The instruction path in use, e.g. `avx512`; also when it cannot run here (then `kernels` is empty). */
  readonly path: string;
  /** The path multiplies bf16 with instructions of its own; others expand it to float32 first. */
  readonly multipliesBf16: boolean;
  /** Those this processor can run, comma-separated, worst first. */
  readonly availablePaths: string;
  /** By the C++ function's name, e.g. `rms_norm`. */
  readonly kernels: Readonly<Record<string, NativeFunction>>;
  /** A 64-byte aligned buffer with undefined contents. */
  allocate(bytes: number): ArrayBuffer;
  /** Threads that kernels may use, the caller included; one pool for the process. */
  setThreads(count: number): void;
  /** Working memory that the threads hold for kernels. */
  scratchBytes(): number;
}
