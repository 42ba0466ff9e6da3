// SPDX-License-Identifier: Apache-2.0
import type { Engine } from '@llmf/core';
import type { Display } from './display.js';
import { interruptedStatus, type CliIo } from './io.js';

/** Work that cannot be asked to end, such as a download, is left after this time: it can be gone on with. */
const graceMs = 2_000;

/**
 * Ctrl-C in a command that trains: a run that takes steps finishes the one under way and saves; anything else is asked to
 * end, and left if it has not soon. A second Ctrl-C leaves at once.
 */
export class Interruption {
  private readonly asked = new AbortController();
  private readonly unlisten: () => void;
  private isStepping = false;
  private leaving: NodeJS.Timeout | undefined;

  constructor(
    private readonly io: CliIo,
    private readonly display: Display,
  ) {
    this.unlisten = io.onInterrupt(() => this.ask());
  }

  /** Aborted when work shall end. */
  get signal(): AbortSignal {
    return this.asked.signal;
  }

  /** Does something in which runs of this engine are waited for from their first step on. */
  async around<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
    engine.hooks.run.tap('interruption', (run) =>
      run.hooks.started.tap('interruption', () => {
        this.isStepping = true;
        clearTimeout(this.leaving);
      }),
    );
    try {
      return await work();
    } finally {
      this.isStepping = false;
    }
  }

  /** Listens no longer. */
  close(): void {
    clearTimeout(this.leaving);
    this.unlisten();
  }

  private ask(): void {
    const what = this.isStepping ? 'finishing this step, then saving a checkpoint' : 'ending';
    this.display.info(`${what} (Ctrl-C again leaves at once)`);
    this.asked.abort();
    if (!this.isStepping) this.leaving = setTimeout(() => this.io.leave(interruptedStatus), graceMs).unref();
  }
}
