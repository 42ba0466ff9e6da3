// SPDX-License-Identifier: Apache-2.0

export type NativePart = Float32Array | Int32Array | Uint16Array | Uint8Array | Int8Array;
/** A weight: its elements, or `[kind, run, …parts]` (backend/weight-forms.ts). */
export type NativeWeight = Float32Array | Uint16Array | readonly [kind: number, run: number, ...(NativePart | null)[]];
export type NativeArray = NativePart | NativeWeight | readonly (NativeWeight | null)[];

/**
 * A kernel as the addon exports it: the arrays of its signature in order, its numbers in {@link Addon.numbers}. See
 * bind-kernels.ts for how it is called.
 *
 * @throws Error when an array has the wrong type or is too short; with code ENOMEM where there is no memory
 */
export type NativeFunction = (...arrays: (NativeArray | null)[]) => void;

/** The compiled addon, see native/addon.cc. */
export interface Addon {
  /** The instruction path in use, e.g. `avx512`; also when it cannot run here (then `kernels` is empty). */
  readonly path: string;
  /** The path multiplies bf16 with instructions of its own; others expand it to float32 first. */
  readonly multipliesBf16: boolean;
  /** Those this processor can run, comma-separated, worst first. */
  readonly availablePaths: string;
  /** By name, e.g. `rmsNorm`. */
  readonly kernels: Readonly<Record<string, NativeFunction>>;
  /** What each kernel was compiled to take, as `textOf` of kernels/signature.ts puts it. */
  readonly signatures: Readonly<Record<string, string>>;
  /** The numbers of the next call, in the order of its signature. */
  readonly numbers: Float64Array;
  /**
   * A 64-byte aligned buffer with undefined contents.
   *
   * @param most bytes that this V8 takes as one buffer
   * @throws Error with code ENOMEM
   */
  allocate(bytes: number, most?: number): ArrayBuffer;
  /**
   * The file's bytes as the last `length` of a buffer that must not be written: that ends the process. null where the
   * system cannot map the file.
   *
   * @throws Error when the bytes lie beyond the end of the file
   */
  mapFile(descriptor: number, position: number, length: number): ArrayBuffer | null;
  /** Gives a mapped array's pages back; they are read from the file when needed again. Never of other arrays. */
  forgetPages(values: Uint16Array | Float32Array | Uint8Array): void;
  /** How often bytes of mapped files could not be read since the process began; zeros were read instead. */
  lostPages(): number;
  /**
   * Threads that kernels may use, the caller included; one pool for the process.
   *
   * @param sharedFrom bytes of a call's arrays from which on they share it; with fewer, the caller works alone
   */
  setThreads(count: number, sharedFrom?: number): void;
  /** Working memory that the threads hold for kernels. */
  scratchBytes(): number;
}
