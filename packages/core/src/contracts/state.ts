// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '../files/safetensors.js';

/** What one named part of a run remembers: JSON facts and tensors. */
export interface StateValue {
  readonly json?: unknown;
  readonly tensors?: Readonly<Record<string, HostTensor>>;
}

/** Anything with memory. Saved into every checkpoint under its name, restored on resume. */
export interface Stateful {
  save(): StateValue | Promise<StateValue>;
  load(value: StateValue): void | Promise<void>;
  /** What the run is for (the trained weights): the best checkpoint's is what is written at the end. */
  readonly isResult?: true;
}

export interface StateRegistry {
  /** @throws LLMF_CORE_STATE_TWICE when the name is taken. */
  add(name: string, part: Stateful): void;
  readonly names: readonly string[];
}
