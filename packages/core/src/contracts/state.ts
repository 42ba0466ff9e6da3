// SPDX-License-Identifier: Apache-2.0
import type { HostTensor, TensorToWrite } from '../files/safetensors.js';

/** What one named part of a run remembers: JSON facts and tensors. */
export interface StateValue {
  readonly json?: unknown;
  readonly tensors?: Readonly<Record<string, HostTensor>>;
}

/** The same on its way into a file: a tensor is read when its turn comes. */
export interface StateToWrite {
  readonly json?: unknown;
  readonly tensors?: readonly TensorToWrite[];
}

/** Anything with memory. Saved into every checkpoint under its name, restored on resume. */
export interface Stateful {
  /** A copy, which later changes do not reach. */
  save(): StateValue | Promise<StateValue>;
  /** As `save` without a copy, to be written before anything changes; left out: what `save` gives is written. */
  stream?(): StateToWrite | Promise<StateToWrite>;
  load(value: StateValue): void | Promise<void>;
  /** What the run is for (the trained weights): the best checkpoint's is what is written at the end. */
  readonly isResult?: true;
}

export interface StateRegistry {
  /** @throws LLMF_CORE_STATE_TWICE when the name is taken. */
  add(name: string, part: Stateful): void;
  readonly names: readonly string[];
}
