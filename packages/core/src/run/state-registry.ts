// SPDX-License-Identifier: Apache-2.0
import type { Stateful, StateRegistry, StateToWrite, StateValue } from '../contracts/state.js';
import { runErrors } from './run-errors.js';

/** Every named part of a run that remembers something, in order of registration. */
export class RunState implements StateRegistry {
  private readonly parts = new Map<string, Stateful>();

  get names(): readonly string[] {
    return [...this.parts.keys()];
  }

  add(name: string, part: Stateful): void {
    if (this.parts.has(name)) throw runErrors.stateTwice({ name });
    this.parts.set(name, part);
  }

  /** Loads only what the run is for. */
  async loadResult(values: ReadonlyMap<string, StateValue>): Promise<void> {
    for (const [name, part] of this.parts) if (part.isResult === true) await part.load(values.get(name)!);
  }

  /** What every part remembers, to be written before anything changes. */
  async stream(): Promise<Map<string, StateValue | StateToWrite>> {
    const values = new Map<string, StateValue | StateToWrite>();
    for (const [name, part] of this.parts) values.set(name, await (part.stream?.() ?? part.save()));
    return values;
  }

  /** @throws LLMF_CORE_CHECKPOINT_STATES when the names differ from those registered. */
  async load(values: ReadonlyMap<string, StateValue>, folder: string): Promise<void> {
    const missing = this.names.filter((name) => !values.has(name));
    const unknown = [...values.keys()].filter((name) => !this.parts.has(name));
    if (missing.length > 0 || unknown.length > 0) throw runErrors.checkpointStates({ folder, missing, unknown });
    for (const [name, part] of this.parts) await part.load(values.get(name)!);
  }
}
