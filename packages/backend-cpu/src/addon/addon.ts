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
  /** The path multiplies tiles of bf16, so that packing weights is a large part of a product. */
  readonly multipliesTiles: boolean;
  /** Those this processor can run, comma-separated, worst first. */
  readonly availablePaths: string;
  /** By the C++ function's name, e.g. `rms_norm`. */
  readonly kernels: Readonly<Record<string, NativeFunction>>;
  /** A 64-byte aligned buffer with undefined contents. */
  allocate(bytes: number): ArrayBuffer;
  /**
   * The file's bytes as the last `length` of a buffer that must not be written: that ends the process. null where the
   * system cannot map the file.
   *
   * @throws Error when the bytes lie beyond the end of the file
   */
  mapFile(descriptor: number, position: number, length: number): ArrayBuffer | null;
  /** Gives a mapped array's pages back; they are read from the file when needed again. Never of other arrays. */
  forgetPages(values: Uint16Array | Float32Array | Uint8Array): void;
  /**
   * Threads that kernels may use, the caller included; one pool for the process.
   *
   * @param sharedFrom bytes of a call's arrays from which on they share it; with fewer, the caller works alone
   */
  setThreads(count: number, sharedFrom?: number): void;
  /** Working memory that the threads hold for kernels. */
  scratchBytes(): number;
}
