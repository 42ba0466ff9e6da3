// SPDX-License-Identifier: Apache-2.0
import type { KernelProfile } from './kernel-profile.js';
import { token, type Named } from './token.js';

export type Precision = 'f32' | 'bf16';

/** A tfjs backend that this package can bring up. */
export interface BackendProvider extends Named {
  /** `auto` takes the available one with the highest number: native 30, wasm 20, plain JS 10; GPU backends 0 (by name only). */
  readonly priority: number;
  /** null when it can start here, else one line that says why not. Cheap: no kernel is loaded. */
  unavailable(): Promise<string | null>;
  /** One line on what it would compute on, for `llmf env`; asked where it can start, and as cheap. */
  found?(): Promise<string>;
  /**
   * Registers kernels and makes it the current tfjs backend. The run computes in `precision` when `precisions` lists it;
   * `auto` in bf16 when that is listed, else in f32. Left out: f32.
   *
   * @throws a coded error that says what to install
   */
  start(options: Record<string, unknown>, precision?: Precision | 'auto'): Promise<StartedBackend>;
}

/**
 * `length` bytes of an open file, from `position` on, as memory that is only read: no copy, and the pages stay the
 * system's cache of the file. null where the system cannot map it. The bytes outlive the descriptor.
 */
export type MapFile = (descriptor: number, position: number, length: number) => Uint8Array | null;

export interface StartedBackend {
  /** tfjs backend name, without underscores. */
  readonly tfName: string;
  readonly precisions: readonly Precision[];
  /** Weight formats whose frozen weights its kernels read as they are kept; others are expanded to float32, a layer at a time. */
  readonly formats?: readonly string[];
  /** What "same bits" depends on: instruction path, threads do not belong here. Recorded in run.json and cache keys. */
  readonly numerics: string;
  readonly description: string;
  /** It computes on frozen weights where they lie in their file and never writes them. Left out: weights are read. */
  readonly mapFile?: MapFile;
  /** How often bytes of a mapped file could not be read (it was cut, its disk failed); zeros were computed on instead. */
  readonly lostPages?: () => number;
  /** How its kernels are watched; left out: they cannot be. */
  readonly profile?: () => KernelProfile;
}

export const BackendToken = token<BackendProvider>('backend');
/** The one that was started for the run. */
export const StartedBackendToken = token<StartedBackend>('started-backend');
/** The precision the run computes in, decided when the backend started. */
export const PrecisionToken = token<Precision>('precision');
