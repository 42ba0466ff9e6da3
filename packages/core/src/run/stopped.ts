// SPDX-License-Identifier: Apache-2.0
import type { Run } from '../contracts/run.js';

const marker = Symbol.for('llmf:stopped');

/** Ends long work because the run was asked to end. It is no failure: what is finished stays, and the run can go on. */
export class Stopped extends Error {
  constructor() {
    super('the run was asked to end');
    this.name = 'Stopped';
    Object.defineProperty(this, marker, { value: true });
  }

  static is(error: unknown): error is Stopped {
    return typeof error === 'object' && error !== null && marker in error;
  }
}

/** Long work calls it between its parts, where signals are let in. @throws Stopped */
export function throwIfStopped({ stop }: Pick<Run, 'stop'>): void {
  if (stop?.aborted === true) throw new Stopped();
}
